import Synchronization

/// Whether the parts of a service are ready, asked by its health check.
///
/// Each part of the service reports under its own name; the service is ready when all of them are.
public final class Health: Sendable {
    private let checks: Mutex<[String: State]>

    /// How one part is.
    public enum State: Sendable, Equatable {
        /// The part does its work.
        case ready
        /// The part cannot work, for this reason, such as `connecting to tcp://bus:7000`.
        case notReady(String)
    }

    /// Creates the health of a service.
    ///
    /// - Parameter parts: The parts that must report before the service is ready; others may join later.
    public init(expecting parts: [String] = []) {
        checks = Mutex(Dictionary(parts.map { ($0, .notReady("not started")) }) { first, _ in first })
    }

    /// Reports how a part is; the last report counts.
    ///
    /// - Parameters:
    ///   - part: The name of the part, such as `bus`; a constant, so that the number of parts stays small.
    ///   - state: How it is.
    public func set(_ part: String, _ state: State) {
        checks.withLock { $0[part] = state }
    }

    /// True when at least one part has reported and all parts are ready.
    public var isReady: Bool {
        checks.withLock { checks in !checks.isEmpty && checks.values.allSatisfy { $0 == .ready } }
    }

    /// Why the service is not ready, one line per part, sorted by part; empty when it is ready.
    public var reasons: [String] {
        checks.withLock { checks in
            guard !checks.isEmpty else { return ["no part has reported yet"] }
            return checks.sorted { $0.key < $1.key }.compactMap { part, state in
                switch state {
                case .ready: nil
                case .notReady(let reason): "\(part): \(reason)"
                }
            }
        }
    }
}
