import Synchronization

/// The policy in force, for threads that look at it again whenever it has changed.
public final class AccessStore: Sendable {
    private let state: Mutex<(policy: AccessPolicy?, revision: UInt64)>
    private let latest = Atomic<UInt64>(0)

    /// Puts a first policy in force; nil judges nobody.
    public init(_ policy: AccessPolicy?) { state = Mutex((policy, 0)) }

    /// The policy in force.
    public var policy: AccessPolicy? { state.withLock { $0.policy } }

    /// Puts another policy in force.
    public func set(_ policy: AccessPolicy) {
        state.withLock { state in
            state = (policy, state.revision + 1)
            latest.store(state.revision, ordering: .releasing)
        }
    }

    /// The policy, when it is another than that of `revision`, which is then brought up to date.
    public func changed(since revision: inout UInt64) -> AccessPolicy? {
        guard latest.load(ordering: .acquiring) != revision else { return nil }
        let state = state.withLock { $0 }
        revision = state.revision
        return state.policy
    }
}
