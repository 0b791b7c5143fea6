import Events

/// When people are told of an incident: how soon, how often, what is left out, and who hears of it when it lasts.
struct TellingPolicy: Sendable, Hashable {
    /// One alert hides others of its incident: they are its consequence or its beginning.
    struct Inhibition: Sendable, Hashable {
        /// The rule whose alert hides others while it is open.
        var when: String
        /// The rules whose alerts it hides.
        var mute: Set<String>
    }

    /// Alerts that nobody is told of for a time, such as that of planned work.
    struct Silence: Sendable, Hashable {
        /// Rules it silences; all when empty.
        var rules: Set<String> = []
        /// Names of pipelines, or their beginnings with a `*` at the end; all when empty.
        var pipelines: [String] = []
        /// nil: has begun.
        var from: Timestamp?
        var until: Timestamp

        init(rules: Set<String> = [], pipelines: [String] = [], from: Timestamp? = nil, until: Timestamp) {
            self.rules = rules
            self.pipelines = pipelines
            self.from = from
            self.until = until
        }

        /// A silence that somebody asked for.
        init(_ event: AlertSilenced) {
            self.init(rules: Set(event.rules), pipelines: event.pipelines, from: event.from, until: event.until)
        }

        func covers(rule: String, about: String, at now: Timestamp) -> Bool {
            now < until && (from.map { $0 <= now } ?? true)
                && (rules.isEmpty || rules.contains(rule))
                && (pipelines.isEmpty || pipelines.contains { AlertRule.name($0, matches: about) })
        }
    }

    /// Hours of each day in which only grave incidents are told; the others wait for the end.
    struct QuietHours: Sendable, Hashable {
        static let minutesOfDay = 24 * 60

        /// Minutes since midnight.
        var from: Int
        /// Minutes since midnight, not included; before ``from`` when the hours go over midnight.
        var to: Int
        /// What local clocks are ahead of UTC, in minutes.
        var offset: Int
        /// From this severity on they are told all the same.
        var except: Severity

        func contains(_ now: Timestamp) -> Bool {
            let minutes = Int(now.microseconds / 60_000_000) + offset
            let minute = (minutes % Self.minutesOfDay + Self.minutesOfDay) % Self.minutesOfDay
            return from < to ? (from..<to).contains(minute) : minute >= from || minute < to
        }
    }

    /// An incident that lasts is told again, perhaps elsewhere.
    struct Escalation: Sendable, Hashable {
        /// Time after the first telling.
        var after: Duration
        /// Only incidents that are at least that grave.
        var severity: Severity = .critical
        var sinks = AlertRule.Sink.usual
    }

    /// How long an incident gathers alerts before it is told.
    var wait = Duration.seconds(10)
    /// How often an incident that stands is told again; nil for never.
    var `repeat`: Duration? = .seconds(4 * 3600)
    var inhibitions = Self.builtInInhibitions
    var silences: [Silence] = []
    var quietHours: QuietHours?
    var escalation: Escalation?

    /// A decay that is certain hides the suspicion before it; a failed lap hides that another was declined.
    static let builtInInhibitions = [
        Inhibition(when: "decay-detected", mute: ["decay-suspected"]),
        Inhibition(when: "training-failed", mute: ["training-declined"]),
    ]
}
