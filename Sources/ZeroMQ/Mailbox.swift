internal import CZeroMQ
import Glibc
import Synchronization

/// Commands for a thread that polls: any thread posts, the owner drains, and an eventfd wakes the owner's poll.
public final class Mailbox<Command: Sendable>: Sendable {
    /// Readable while commands wait.
    let descriptor: Int32
    private let state = Mutex(State())

    private struct State {
        var commands: [Command] = []
        var isArmed = false
        var isClosed = false
    }

    /// An empty mailbox.
    public init() {
        descriptor = hexloop_eventfd()
        precondition(descriptor >= 0, "the operating system refuses an eventfd: error \(errno)")
    }

    deinit { close(descriptor) }

    /// Adds a command and wakes the owner, once for any number of commands that it has not drained.
    /// - Returns: False when the owner has closed the mailbox; the command is dropped.
    @discardableResult
    public func post(_ command: Command) -> Bool {
        let (accepted, wake) = state.withLock { state -> (Bool, Bool) in
            guard !state.isClosed else { return (false, false) }
            state.commands.append(command)
            defer { state.isArmed = true }
            return (true, !state.isArmed)
        }
        if wake {
            var one: UInt64 = 1
            _ = unsafe write(descriptor, &one, MemoryLayout.size(ofValue: one))
        }
        return accepted
    }

    /// Blocks until commands wait, for at most that long. Only the owner calls it.
    public func wait(milliseconds: Int32) {
        var item = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        _ = unsafe poll(&item, 1, milliseconds)
    }

    /// Takes all commands. Only the owner calls it.
    public func drain() -> [Command] {
        var count: UInt64 = 0
        _ = unsafe read(descriptor, &count, MemoryLayout.size(ofValue: count))
        return state.withLock { state in
            state.isArmed = false
            defer { state.commands = [] }
            return state.commands
        }
    }

    /// Refuses further commands and returns those that were never drained.
    public func closeAndDrain() -> [Command] {
        state.withLock { state in
            state.isClosed = true
            defer { state.commands = [] }
            return state.commands
        }
    }
}
