import Events

/// What our programs, and people and systems around them, need: rights made from what each reads and writes.
public enum AccessRole: String, Sendable, Hashable, CaseIterable, Codable {
    case bus
    case registry
    case trainer
    case converter
    case inferenceNode = "inference-node"
    case monitor
    case alert
    case gateway
    /// A person at the command `hexloop`: everything.
    case `operator`
    /// Another system that feeds the loop: pipelines, observations, labels, requests for training.
    case publisher
    /// Another system that reads all events.
    case subscriber
    /// A person or a system that brings models from elsewhere, and sees what becomes of them.
    case modeler

    /// The roles that are programs of the loop.
    public static let programs: [AccessRole] = [
        .bus, .registry, .trainer, .converter, .inferenceNode, .monitor, .alert, .gateway,
    ]

    private var reads: [any Event.Type] {
        switch self {
        case .bus, .operator, .subscriber: []
        case .alert: [AlertQuery.self]
        case .registry:
            [
                PipelinePushed.self, TrainingRequested.self, TrainingStarted.self, TrainingCompleted.self,
                ModelOffered.self,
                TrainingFailed.self, TrainingDeclined.self, ConversionCompleted.self, ConversionFailed.self,
                DecayDetected.self, DecayPersisted.self, DecayCleared.self, ModelLoaded.self, RegistryQuery.self,
            ]
        case .trainer:
            [
                ObservationRecorded.self, LabelRecorded.self, ExampleRecorded.self, DecayDetected.self,
                DecayPersisted.self, TrainingRequested.self, PipelineRegistered.self,
            ]
        case .converter: [TrainingCompleted.self, ModelOffered.self, PipelineRegistered.self]
        case .inferenceNode:
            [ObservationRecorded.self, InferenceRequest.self, PipelineRegistered.self, RolloutStepped.self]
        case .monitor:
            [
                PredictionsMade.self, LabelRecorded.self, ObservationRecorded.self, RolloutStepped.self,
                PipelineRegistered.self, MonitorQuery.self,
            ]
        case .gateway: [PipelineRegistered.self]
        // How far a lap is, which a replay waits for.
        case .publisher:
            [
                DecayDetected.self, DecayPersisted.self, TrainingStarted.self, TrainingFailed.self,
                TrainingDeclined.self,
                ConversionFailed.self, ModelRejected.self, ModelPromoted.self, RolloutCompleted.self,
                PipelineRegistered.self, PipelineRejected.self,
            ]
        case .modeler:
            [
                ConversionCompleted.self, ConversionFailed.self, ModelRegistered.self, ModelRejected.self,
                ModelPromoted.self, ModelRefused.self, RolloutCompleted.self, PipelineRegistered.self,
            ]
        }
    }

    private var writes: [any Event.Type] {
        switch self {
        case .bus, .operator, .subscriber: []
        case .registry:
            [
                PipelineRegistered.self, PipelineRejected.self, ModelRegistered.self, ModelRejected.self,
                ModelPromoted.self, RolloutStepped.self, RolloutCompleted.self,
            ]
        case .trainer:
            [
                TrainingStarted.self, TrainingProgressed.self, TrainingCompleted.self, TrainingFailed.self,
                TrainingDeclined.self,
            ]
        case .converter: [ConversionCompleted.self, ConversionFailed.self]
        case .inferenceNode: [PredictionsMade.self, ModelLoaded.self, ModelRefused.self, KernelRefused.self]
        case .monitor:
            [
                DecaySuspected.self, DecayDetected.self, DecayPersisted.self, DecayCleared.self, DecayForecast.self,
                PerformanceReconciled.self,
            ]
        case .alert: [AlertRaised.self, AlertResolved.self]
        case .publisher:
            [
                ObservationRecorded.self, LabelRecorded.self, ExampleRecorded.self, TrainingRequested.self,
                PipelinePushed.self, RegistryQuery.self, MonitorQuery.self, InferenceRequest.self,
            ]
        case .gateway: AccessRole.publisher.writes + [ModelOffered.self]
        case .modeler: [ModelOffered.self, RegistryQuery.self, InferenceRequest.self]
        }
    }

    /// The rights of an identity of this role.
    /// - Parameters:
    ///   - name: The identity's name; foreigners' sources and names begin with it.
    ///   - site: Where it writes. Programs read the events of every site.
    public func rights(name: String, site: String) -> AccessRights {
        if self == .operator {
            return AccessRights(
                publish: Self.filters([""]),
                subscribe: Self.filters([""]),
                groups: ["*"],
                artifacts: .write,
                sources: ["*"],
                names: ["*"],
                admin: true
            )
        }
        var publish = writes.map { kind in
            "\(kind.kind.reliability.rawValue)/\(site)/\(kind.kind.noun)/\(kind.kind.verb)/v\(kind.kind.version)/"
        }
        var subscribe = reads.compactMap { try? $0.kind.filter.text }
        var (sources, names) = (["//\(site)/\(name)/"], [name, "\(name)/"])
        if Self.programs.contains(self) {
            let beats = "t/\(site)/service/beat/v1/"
            publish += ["e/\(site)/event/refused/v1/\(rawValue)/", "\(beats)\(rawValue).*/"]
            // Its own beats: its health is asked with its key.
            subscribe.append("\(beats)\(rawValue).*/")
            (sources, names) = (["//\(site)/\(rawValue)/"], ["\(rawValue)/"])
            switch self {
            case .registry: subscribe.append("\(beats)inference-node.*/")
            case .gateway:
                subscribe.append(beats)
                publish.append("e/\(site)/external/")
                // It passes on what others say over HTTP; which types they may say, it checks itself.
                sources = ["*"]
            case .alert: subscribe.append("e/")
            default: break
            }
        }
        if self == .subscriber { subscribe += ["e/", "c/head/"] }
        // People offer models with the command `hexloop`.
        if self == .modeler { sources.append("//\(site)/hexloop/") }
        return AccessRights(
            publish: Self.filters(publish),
            subscribe: Self.filters(subscribe),
            groups: groups,
            artifacts: artifacts,
            sources: sources,
            names: names
        )
    }

    /// The work groups in which it answers questions.
    private var groups: [String] {
        switch self {
        case .inferenceNode: ["infer"]
        case .registry: ["registry"]
        case .alert: ["alert"]
        case .monitor: ["monitor"]
        default: []
        }
    }

    private var artifacts: AccessRights.Artifacts {
        switch self {
        case .trainer, .converter, .gateway, .modeler, .operator: .write
        case .inferenceNode, .registry: .read
        default: .none
        }
    }

    private static func filters(_ texts: [String]) -> [AccessFilter] { texts.compactMap(AccessFilter.init) }
}
