/// Every event that Hexloop defines.
public enum EventCatalogue {
    /// All kinds, in the order of a lap.
    public static let kinds: [any Event.Type] = [
        ObservationRecorded.self, LabelRecorded.self, ExampleRecorded.self, PredictionsMade.self,
        DecaySuspected.self, DecayDetected.self, DecayPersisted.self, DecayCleared.self, DecayForecast.self,
        PerformanceReconciled.self,
        TrainingRequested.self, TrainingStarted.self, TrainingProgressed.self, TrainingCompleted.self,
        TrainingFailed.self, TrainingDeclined.self, ModelOffered.self, ConversionCompleted.self, ConversionFailed.self,
        PipelinePushed.self, PipelineRegistered.self, PipelineRejected.self,
        ModelRegistered.self, ModelRejected.self, ModelPromoted.self, RolloutStepped.self, RolloutCompleted.self,
        ModelLoaded.self, ModelRefused.self, KernelRefused.self, AlertRaised.self, AlertResolved.self,
        AlertAcknowledged.self, AlertSilenced.self,
        EventRefused.self, ServiceBeat.self,
    ]

    /// The kind that a CloudEvents type names; nil when it is not ours.
    public static func kind(ofType type: String) -> (any Event.Type)? { byType[type] }

    private static let byType = Dictionary(uniqueKeysWithValues: kinds.map { ($0.kind.type, $0) })
}
