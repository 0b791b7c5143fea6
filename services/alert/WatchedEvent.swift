import Events
import Membership
import Storage

/// An event as rules see it.
struct Occurrence: Codable, Sendable, Hashable {
    static let aboutCharactersMax = 200
    static let detailCharactersMax = 1_000

    /// `noun.verb`
    let type: String
    /// What an alert is about: the pipeline, or for refusals the program and the code.
    let about: String
    /// The cause of a decay, or the code of what failed; nil for events without one.
    let cause: String?
    /// What the monitor saw, when this is about decay.
    let figures: DecayFigures?
    /// One sentence for people.
    let detail: String
    let eventID: String
    /// The CloudEvents type.
    let eventType: String

    init(
        type: String,
        about: String,
        cause: String? = nil,
        figures: DecayFigures? = nil,
        detail: String,
        eventID: String,
        eventType: String
    ) {
        self.type = type
        self.about = String(about.prefix(Self.aboutCharactersMax))
        self.cause = cause
        self.figures = figures
        self.detail = String(detail.prefix(Self.detailCharactersMax))
        self.eventID = eventID
        self.eventType = eventType
    }
}

/// An event that rules can name, and how it becomes an ``Occurrence``.
struct WatchedEvent: Sendable {
    typealias Body = @Sendable (Occurrence, Transaction) throws -> Void

    /// What a rule's `causes` may name.
    static let causes = Set(ErrorCode.allCases.map(\.rawValue)).union(DecayCause.allCases.map(\.rawValue))

    /// What the loop does about a trouble, and what comes of it: an incident remembers these.
    static let steps: Set = [
        "model.offered", "training.started", "training.failed", "training.declined", "conversion.failed",
        "model.rejected",
        "model.refused", "rollout.completed",
    ]

    /// `noun.verb`
    let type: String
    private let register: @Sendable (inout EventHandlers, @escaping Body) -> Void

    /// Every event that rules can name.
    static let all = [
        watched(DecaySuspected.self, { $0.pipeline }, { $0.figures.cause }, { $0.figures.message }),
        watched(DecayDetected.self, { $0.pipeline }, { $0.figures.cause }, { $0.figures.message }),
        watched(DecayPersisted.self, { $0.pipeline }, { $0.figures.cause }, { $0.figures.message }),
        watched(DecayCleared.self, { $0.pipeline }, { $0.figures.cause }, { $0.figures.message }),
        watched(DecayForecast.self, { $0.pipeline }, { _ in nil }, { $0.message }),
        watched(PerformanceReconciled.self, { $0.pipeline }, { _ in nil }, { $0.message }),
        watched(TrainingStarted.self, { $0.pipeline }, { _ in nil }, { "a run began with \($0.rows) rows" }),
        watched(TrainingCompleted.self, { $0.pipeline }, { _ in nil }, { "\($0.candidates.count) models are trained" }),
        watched(TrainingFailed.self, { $0.pipeline }, { $0.code.rawValue }, { "\($0.code.rawValue): \($0.message)" }),
        watched(TrainingDeclined.self, { $0.pipeline }, { $0.code.rawValue }, { "\($0.code.rawValue): \($0.message)" }),
        watched(
            ConversionCompleted.self,
            { $0.pipeline },
            { _ in nil },
            { "\($0.candidates.count) models are converted" }
        ),
        watched(
            ConversionFailed.self,
            { $0.pipeline },
            { $0.code.rawValue },
            { "candidate '\($0.candidate)': \($0.code.rawValue): \($0.message)" }
        ),
        watched(
            PipelineRegistered.self,
            { $0.pipeline },
            { _ in nil },
            { "version \($0.version.prefix(12)) is in force" }
        ),
        watched(PipelineRejected.self, { $0.pipeline }, { $0.code.rawValue }, { "\($0.code.rawValue): \($0.message)" }),
        watched(ModelRegistered.self, { $0.pipeline }, { _ in nil }, { "'\($0.candidate)' is version \($0.version)" }),
        watched(
            ModelRejected.self,
            { $0.pipeline },
            { $0.code.rawValue },
            { "candidate '\($0.candidate)': \($0.code.rawValue): \($0.message)" }
        ),
        watched(ModelPromoted.self, { $0.pipeline }, { _ in nil }, { "version \($0.version) is '\($0.alias)'" }),
        watched(
            ModelLoaded.self,
            { $0.pipeline },
            { _ in nil },
            { "node '\($0.node)' serves \($0.digest.prefix(12))" }
        ),
        watched(
            ModelRefused.self,
            { $0.pipeline },
            { $0.code.rawValue },
            { "node '\($0.node)' refused \($0.digest.prefix(12)): \($0.code.rawValue): \($0.message)" }
        ),
        watched(RolloutStepped.self, { $0.pipeline }, { _ in nil }, { "version \($0.champion.version) is rolled out" }),
        watched(
            RolloutCompleted.self,
            { $0.pipeline },
            { _ in nil },
            { "\($0.nodes.count) nodes serve \($0.digest.prefix(12))" }
        ),
        watched(
            KernelRefused.self,
            { $0.node },
            { _ in nil },
            { "\($0.variant) failed its self-test, \($0.used) computes instead: \($0.message)" }
        ),
        watched(
            ModelOffered.self,
            { $0.pipeline },
            { _ in nil },
            { "'\($0.name)' of \($0.by): \($0.reason)" }
        ),
        watched(
            EventRefused.self,
            { "\($0.service)/\($0.code.rawValue)" },
            { $0.code.rawValue },
            { $0.message }
        ),
    ]

    /// The names of ``all``.
    static let types = Set(all.map(\.type))

    /// Takes the event and hands it to `body` as an occurrence.
    func register(in handlers: inout EventHandlers, _ body: @escaping Body) { register(&handlers, body) }

    private static func watched<E: Event>(
        _ kind: E.Type,
        _ about: @escaping @Sendable (E) -> String,
        _ cause: @escaping @Sendable (E) -> String?,
        _ detail: @escaping @Sendable (E) -> String
    ) -> WatchedEvent {
        WatchedEvent(type: kind.kind.description) { handlers, body in
            // The programs that act on these events refuse what cannot be read; a second refusal says nothing new.
            handlers.on(kind, quietly: true) { event, context, transaction in
                let occurrence = Occurrence(
                    type: kind.kind.description,
                    about: about(event),
                    cause: cause(event),
                    figures: (event as? DecayDetected)?.figures ?? (event as? DecaySuspected)?.figures,
                    detail: detail(event),
                    eventID: context.event.id,
                    eventType: context.event.type
                )
                try body(occurrence, transaction)
            }
        }
    }

    private init(
        type: String,
        register: @escaping @Sendable (inout EventHandlers, @escaping Body) -> Void
    ) {
        self.type = type
        self.register = register
    }
}
