import Events
import Membership
import Storage

/// Puts predictions into the outbox, several in one event and one transaction.
struct PredictionRecorder: Sendable {
    /// Predictions in one event.
    private static let batchMax = 32

    let member: Member

    /// Writes predictions and refusals; they are on disk when this returns.
    /// - Returns: The last event's number in the outbox, for those who wait until the log has it.
    func record(
        _ predictions: [String: [PredictionsMade.Prediction]],
        refusals: [EventRefused] = []
    ) async throws -> UInt64 {
        let node = member.identity.instance
        return try await member.store.write { transaction in
            var last: UInt64 = 0
            for refusal in refusals { last = UInt64(try transaction.send(refusal)) }
            for (pipeline, all) in predictions.sorted(by: { $0.key < $1.key }) {
                var rest = all[...]
                while !rest.isEmpty {
                    last = UInt64(
                        try transaction.send(
                            PredictionsMade(
                                pipeline: pipeline,
                                node: node,
                                predictions: Array(rest.prefix(Self.batchMax))
                            )
                        )
                    )
                    rest = rest.dropFirst(Self.batchMax)
                }
            }
            return last
        }
    }
}
