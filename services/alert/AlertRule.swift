import Events

/// When an alert is raised, how much it matters, and what ends it.
struct AlertRule: Sendable, Hashable {
    /// The name of a place where alerts are told.
    struct Sink: RawRepresentable, Codable, Sendable, Hashable, Comparable {
        /// One line in the service's log.
        static let log = Sink("log")
        /// A POST to `webhook.url`, or the sink of that name in the rules file.
        static let webhook = Sink("webhook")
        /// Where alerts of rules that name no sink go before anything else is set up.
        static let usual: Set<Sink> = [.log, .webhook]

        let rawValue: String

        init(_ name: String) { rawValue = name }

        init?(rawValue: String) { self.init(rawValue) }

        static func < (left: Sink, right: Sink) -> Bool { left.rawValue < right.rawValue }
    }

    /// Unique; a topic segment, because it is the subject of the alert's events.
    var name: String
    /// The event that raises it, as `noun.verb`.
    var type: String
    var severity: Severity
    /// Names of pipelines, or their beginnings with a `*` at the end; all when empty.
    var pipelines: [String] = []
    /// Causes of decay, such as `concept`, or codes of what failed; all when empty.
    var causes: Set<String> = []
    /// How long it must stand before it is an alert.
    var after = Duration.zero
    /// The events about the same thing that end it.
    var resolveBy: Set<String>
    /// Without a further event for so long it is over; nil when only an event ends it.
    var endsAfter: Duration?
    /// Nil for every sink that is set up.
    var sinks: Set<Sink>?
    /// One line for people, in which `{about}` stands for the pipeline or program.
    var title: String

    /// The title for one subject.
    func title(about: String) -> String { title.replacing("{about}", with: about) }

    /// Whether the alert is of a decay, which the loop answers as the pipeline's automation says.
    var isDecay: Bool { type.hasPrefix("decay.") }

    /// Whether anything ends it.
    var canEnd: Bool { !resolveBy.isEmpty || endsAfter != nil }

    /// Whether that occurrence raises it, or repeats it.
    func matches(_ occurrence: Occurrence) -> Bool {
        type == occurrence.type
            && (pipelines.isEmpty || pipelines.contains { Self.name($0, matches: occurrence.about) })
            && (causes.isEmpty || occurrence.cause.map(causes.contains) ?? false)
    }

    /// Whether a name is the pattern, or begins as it does when it ends in `*`.
    static func name(_ pattern: String, matches name: String) -> Bool {
        pattern.hasSuffix("*") ? name.hasPrefix(pattern.dropLast()) : name == pattern
    }

    init(
        _ name: String,
        on type: String,
        _ severity: Severity,
        resolveBy: Set<String> = [],
        endsAfter: Duration? = nil,
        sinks: Set<Sink>? = nil,
        title: String
    ) {
        self.name = name
        self.type = type
        self.severity = severity
        self.resolveBy = resolveBy
        self.endsAfter = endsAfter
        self.sinks = sinks
        self.title = title
    }

    /// The rules in force when no file names others.
    ///
    /// A completed rollout ends whatever a lap raised, decay too: the champion that decayed serves nowhere any more.
    static let builtIn = [
        AlertRule(
            "decay-suspected",
            on: "decay.suspected",
            .warning,
            resolveBy: ["decay.cleared", "rollout.completed"],
            title: "The champion of {about} may be decaying"
        ),
        AlertRule(
            "decay-detected",
            on: "decay.detected",
            .critical,
            resolveBy: ["decay.cleared", "rollout.completed"],
            title: "The champion of {about} has decayed"
        ),
        AlertRule(
            "training-failed",
            on: "training.failed",
            .critical,
            resolveBy: ["rollout.completed"],
            title: "Training for {about} failed"
        ),
        AlertRule(
            "training-declined",
            on: "training.declined",
            .info,
            resolveBy: ["training.started", "rollout.completed"],
            title: "Training for {about} was not started"
        ),
        AlertRule(
            "conversion-failed",
            on: "conversion.failed",
            .critical,
            resolveBy: ["rollout.completed"],
            title: "A model of {about} could not be converted"
        ),
        AlertRule(
            "model-rejected",
            on: "model.rejected",
            .warning,
            resolveBy: ["rollout.completed"],
            title: "A model of {about} failed a gate"
        ),
        AlertRule(
            "model-refused",
            on: "model.refused",
            .critical,
            resolveBy: ["rollout.completed"],
            title: "A node refused a model of {about}"
        ),
        AlertRule(
            "pipeline-rejected",
            on: "pipeline.rejected",
            .warning,
            resolveBy: ["pipeline.registered"],
            title: "The pipeline file of {about} was rejected"
        ),
        AlertRule(
            "kernel-refused",
            on: "kernel.refused",
            .warning,
            endsAfter: .seconds(86_400),
            title: "Node {about} computes without its fastest kernels"
        ),
        AlertRule(
            "event-refused",
            on: "event.refused",
            .info,
            endsAfter: .seconds(3_600),
            sinks: [.log],
            title: "Events are refused by {about}"
        ),
    ]
}

extension AlertRule.Sink: ExpressibleByStringLiteral {
    init(stringLiteral name: String) { self.init(name) }
}
