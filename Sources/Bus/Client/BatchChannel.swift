import Synchronization

/// Hands elements from the reactor to one task, as many at a time as wait.
///
/// It never holds more than the credit given to the broker, because an element comes only against credit.
public final class BatchChannel<Element: Sendable>: Sendable {
    private struct State {
        var elements: [Element] = []
        var waiter: CheckedContinuation<Void, Never>?
        var isFinished = false
    }

    private let state = Mutex(State())

    /// An empty channel.
    public init() {}

    /// Waits for elements and takes up to `max` of them; empty when the channel has ended or the task is cancelled.
    ///
    /// One task at a time may wait.
    public func next(max: Int) async -> [Element] {
        await withTaskCancellationHandler {
            while !Task.isCancelled {
                let (batch, isFinished) = state.withLock { state -> ([Element], Bool) in
                    let batch = Array(state.elements.prefix(max))
                    state.elements.removeFirst(batch.count)
                    return (batch, state.isFinished)
                }
                if !batch.isEmpty || isFinished { return batch }
                await withCheckedContinuation { continuation in
                    let resumeNow = state.withLock { state -> Bool in
                        if !state.elements.isEmpty || state.isFinished || Task.isCancelled { return true }
                        precondition(state.waiter == nil, "two tasks wait for one channel")
                        state.waiter = continuation
                        return false
                    }
                    if resumeNow { continuation.resume() }
                }
            }
            return []
        } onCancel: {
            wake { _ in }
        }
    }

    /// Adds an element and wakes the task that waits.
    public func send(_ element: Element) { wake { $0.elements.append(element) } }

    /// Ends the channel; what it holds can still be taken.
    public func finish() { wake { $0.isFinished = true } }

    private func wake(_ change: (inout sending State) -> Void) {
        let waiter = state.withLock { state in
            change(&state)
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }
}
