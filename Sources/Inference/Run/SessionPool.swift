import Synchronization

/// Sessions that wait to be used again, so that a prediction does not make its memory anew.
///
/// There are at most as many as predictions were under way at once, and at most ``idleMax`` wait.
final class SessionPool: Sendable {
    /// More sessions than this do not wait; they go when their prediction is done.
    static let idleMax = 16
    /// Rows are run together while their memory has at most this size.
    private static let arenaBytesMax = 4 << 20
    /// More rows than this are not run together.
    private static let batchMax = 64

    private let model: PreparedModel
    private let features: FeatureNames
    private let batch: Int
    private let idle = Mutex<[SessionHolder]>([])
    private let idleBatches = Mutex<[SessionHolder]>([])

    init(_ model: PreparedModel, features: FeatureNames) throws(InferenceError) {
        self.model = model
        self.features = features
        let bytes = try model.plan.layout(rows: 1).byteCount
        batch = min(max(SessionPool.arenaBytesMax / bytes, 1), SessionPool.batchMax)
    }

    /// Runs rows, several at a time.
    ///
    /// - Parameter input: `[rows, inputCount]`, checked.
    func run(_ input: [Float], rows: Int) throws(InferenceError) -> [Float] {
        let isBatch = rows > 1 && batch > 1
        let holder = try take(isBatch)
        defer { give(holder, isBatch) }
        guard rows > (isBatch ? batch : 1) else { return try holder.session.run(input, rows: rows) }
        var result: [Float] = []
        result.reserveCapacity(rows * model.plan.outputCount)
        let width = model.plan.inputCount
        let step = isBatch ? batch : 1
        for first in stride(from: 0, to: rows, by: step) {
            let end = min(first + step, rows)
            result += try holder.session.run(Array(input[first * width..<end * width]), rows: end - first)
        }
        return result
    }

    private func take(_ isBatch: Bool) throws(InferenceError) -> SessionHolder {
        if let holder = (isBatch ? idleBatches.withLock { $0.popLast() } : idle.withLock { $0.popLast() }) {
            return holder
        }
        return SessionHolder(try Session(model, features: features, batch: isBatch ? batch : 1, threads: 1))
    }

    private func give(_ holder: SessionHolder, _ isBatch: Bool) {
        func keep(_ waiting: inout [SessionHolder]) {
            if waiting.count < SessionPool.idleMax { waiting.append(holder) }
        }
        if isBatch { idleBatches.withLock { keep(&$0) } } else { idle.withLock { keep(&$0) } }
    }
}

/// A session in the pool, or with the one prediction that took it out.
// Safety: the pool gives a holder to one prediction at a time.
private final class SessionHolder: @unchecked Sendable {
    var session: Session

    init(_ session: consuming Session) { self.session = session }
}
