/// Asks the alert program something; a request of class `q`, answered as JSON with the type that the question names.
public struct AlertQuery: Event {
    /// A question (class `q`): kept in memory, leased to the alert program, and asked again by whoever got no answer.
    public static let kind = EventKind("alert", "query", reliability: .work)

    /// What is asked, and with which type it is answered.
    public enum Question: String, Codable, Sendable, Hashable, CaseIterable {
        /// ``AlertsAnswer``: incidents, silences and sinks.
        case list
        /// ``DeadNoticesAnswer``: what people could not be told.
        case dead
        /// ``RequeuedNoticesAnswer``: what could not be told is tried again; one, or all.
        case requeue
        /// ``AlertTestAnswer``: a notice that is none goes to one sink, or to all, now.
        case test
    }

    /// What is asked; it decides the answer's type.
    public var question: Question
    /// ``Question/list``: closed incidents too, the newest.
    public var all: Bool?
    /// ``Question/requeue``: only this one.
    public var number: Int64?
    /// ``Question/test``: only this sink.
    public var sink: String?

    /// Always `alert`: there is one to ask.
    public var subject: String { "alert" }

    /// A question.
    public init(_ question: Question, all: Bool? = nil, number: Int64? = nil, sink: String? = nil) {
        self.question = question
        self.all = all
        self.number = number
        self.sink = sink
    }
}

/// Answers ``AlertQuery/Question/list``.
public struct AlertsAnswer: Codable, Sendable, Hashable {
    /// An open alert of an incident.
    public struct Alert: Codable, Sendable, Hashable {
        /// Name of the rule.
        public var rule: String
        /// How much it matters.
        public var severity: Severity
        /// One line for people.
        public var title: String
        /// What the causing event says of itself.
        public var detail: String
        /// Since when it holds.
        public var since: Timestamp
        /// Events that repeated it.
        public var repeats: Int

        /// An alert from its parts.
        public init(rule: String, severity: Severity, title: String, detail: String, since: Timestamp, repeats: Int) {
            self.rule = rule
            self.severity = severity
            self.title = title
            self.detail = detail
            self.since = since
            self.repeats = repeats
        }
    }

    /// All alerts about one pipeline from the first that was raised to the last that is resolved.
    public struct Incident: Codable, Sendable, Hashable {
        /// Its number.
        public var incident: Int64
        /// The pipeline, or `<program>/<code>`.
        public var about: String
        /// When it began.
        public var openedAt: Timestamp
        /// When it was over; nil while it is not.
        public var closedAt: Timestamp?
        /// The alerts that are open.
        public var alerts: [Alert]
        /// When people were told of it last; nil when they were not.
        public var toldAt: Timestamp?
        /// Who looks after it.
        public var acknowledgedBy: String?
        /// What they say to it.
        public var note: String?

        /// An incident from its parts.
        public init(
            incident: Int64,
            about: String,
            openedAt: Timestamp,
            closedAt: Timestamp?,
            alerts: [Alert],
            toldAt: Timestamp?,
            acknowledgedBy: String?,
            note: String?
        ) {
            self.incident = incident
            self.about = about
            self.openedAt = openedAt
            self.closedAt = closedAt
            self.alerts = alerts
            self.toldAt = toldAt
            self.acknowledgedBy = acknowledgedBy
            self.note = note
        }
    }

    /// The open ones, oldest first; or with the newest closed ones.
    public var incidents: [Incident]
    /// Those that are not over.
    public var silences: [AlertSilenced]
    /// The names of the sinks that are set up.
    public var sinks: [String]

    /// An answer from its parts.
    public init(incidents: [Incident], silences: [AlertSilenced], sinks: [String]) {
        self.incidents = incidents
        self.silences = silences
        self.sinks = sinks
    }
}

/// Answers ``AlertQuery/Question/dead``.
public struct DeadNoticesAnswer: Codable, Sendable, Hashable {
    /// A notice that its sink did not take.
    public struct Notice: Codable, Sendable, Hashable {
        /// Names it for ``AlertQuery/Question/requeue``.
        public var number: Int64
        /// The sink.
        public var sink: String
        /// What it is about, in one line.
        public var headline: String
        /// When it was given up.
        public var at: Timestamp
        /// How often it was tried.
        public var attempts: Int
        /// Why the last attempt failed.
        public var failure: String

        /// A notice from its parts.
        public init(number: Int64, sink: String, headline: String, at: Timestamp, attempts: Int, failure: String) {
            self.number = number
            self.sink = sink
            self.headline = headline
            self.at = at
            self.attempts = attempts
            self.failure = failure
        }
    }

    /// The newest first, at most 500.
    public var notices: [Notice]

    /// An answer from its notices.
    public init(notices: [Notice]) { self.notices = notices }
}

/// Answers ``AlertQuery/Question/requeue``.
public struct RequeuedNoticesAnswer: Codable, Sendable, Hashable {
    /// How many are tried again.
    public var requeued: Int

    /// An answer.
    public init(requeued: Int) { self.requeued = requeued }
}

/// Answers ``AlertQuery/Question/test``.
public struct AlertTestAnswer: Codable, Sendable, Hashable {
    /// How one sink did.
    public struct Result: Codable, Sendable, Hashable {
        /// The sink.
        public var sink: String
        /// Why it did not take the notice; nil when it did.
        public var failure: String?

        /// A result from its parts.
        public init(sink: String, failure: String?) {
            self.sink = sink
            self.failure = failure
        }
    }

    /// One for each sink that was tried.
    public var results: [Result]

    /// An answer from its results.
    public init(results: [Result]) { self.results = results }
}
