internal import CZeroMQ
import Glibc

/// The sockets of one poll.
///
/// Safety: holds socket handles only between `prepare` and the poll of one turn, while their sockets are borrowed.
@safe public struct PollSet: ~Copyable {
    private var items: [zmq_pollitem_t] = unsafe []

    init(wake descriptor: Int32) {
        unsafe items.append(zmq_pollitem_t(socket: nil, fd: descriptor, events: Int16(ZMQ_POLLIN), revents: 0))
    }

    /// Wakes the poll when `socket` has a message.
    public mutating func add(_ socket: borrowing Socket) {
        unsafe items.append(zmq_pollitem_t(socket: socket.handle, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0))
    }

    mutating func wait(milliseconds: Int) {
        _ = unsafe zmq_poll(&items, Int32(items.count), milliseconds)
    }
}

/// What a reactor's thread does; made on that thread and never seen by another.
public protocol ReactorBody: AnyObject {
    associatedtype Command: Sendable

    /// Adds the sockets to wait for.
    func prepare(_ set: inout PollSet)
    /// Handles one command from another thread.
    func handle(_ command: Command)
    /// Called after every wake-up: read all sockets until they are empty (bounded), then do what is due.
    /// - Returns: How long to wait at most before the next turn.
    func turn() -> Duration
    /// The last call; commands that were never handled are given back so that their waiters can be told.
    func close(undelivered: [Command])
}

/// Where a body finds the mailbox of its own reactor, for threads that report back to it.
public struct ReactorHandle<Command: Sendable>: Sendable {
    let mailbox: Mailbox<Command?>

    /// Hands a command to the thread.
    /// - Returns: False when the reactor has stopped.
    @discardableResult
    public func post(_ command: Command) -> Bool { mailbox.post(command) }
}

/// One thread that owns sockets: polls them and its mailbox, and runs a ``ReactorBody``.
public final class Reactor<Command: Sendable>: Sendable {
    private let mailbox: Mailbox<Command?>
    private let thread: DedicatedThread

    /// Starts the thread; `make` runs on it. When `make` throws, `failed` is told and the thread ends.
    /// - Parameter undelivered: Told the commands that came before `make` threw, so that their waiters can be told.
    public init<Body: ReactorBody & SendableMetatype>(
        _ name: String,
        make: @escaping @Sendable (ReactorHandle<Command>) throws -> Body,
        undelivered: @escaping @Sendable ([Command]) -> Void = { _ in },
        failed: @escaping @Sendable (any Error) -> Void
    ) where Body.Command == Command {
        let mailbox = Mailbox<Command?>()
        self.mailbox = mailbox
        thread = DedicatedThread(name) {
            do { Self.run(try make(ReactorHandle(mailbox: mailbox)), mailbox) } catch {
                let commands = mailbox.closeAndDrain().compactMap { $0 }
                failed(error)
                undelivered(commands)
            }
        }
    }

    /// Hands a command to the thread.
    /// - Returns: False when the reactor has stopped.
    @discardableResult
    public func post(_ command: Command) -> Bool { mailbox.post(command) }

    /// Asks the thread to close its sockets and end.
    public func stop() { mailbox.post(nil) }

    /// Waits for the thread's end.
    public func join() { thread.join() }

    private static func run<Body: ReactorBody & SendableMetatype>(_ body: Body, _ mailbox: Mailbox<Command?>)
    where Body.Command == Command {
        var wait = Duration.zero
        while true {
            var set = PollSet(wake: mailbox.descriptor)
            body.prepare(&set)
            let (seconds, attoseconds) = wait.components
            set.wait(milliseconds: max(0, Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)))
            var stopping = false
            for command in mailbox.drain() {
                guard let command else {
                    stopping = true
                    continue
                }
                body.handle(command)
            }
            wait = body.turn()
            if stopping { break }
        }
        body.close(undelivered: mailbox.closeAndDrain().compactMap { $0 })
    }
}
