import Events

/// The client's side of the command channel as a state machine: it does no I/O and owns no clock.
///
/// It greets, keeps the session alive, sends again what a broken session left unacknowledged, and takes up its
/// subscriptions and memberships where they were. The shell gives each action's outcome to whoever waits.
public struct ClientCore: Sendable {
    /// Pause between pings.
    public static let pingInterval: Duration = .seconds(1)
    /// Silence after which the broker counts as gone.
    public static let silenceMax: Duration = .seconds(3)
    /// First pause between greetings; it doubles up to ``greetIntervalMax``.
    public static let greetIntervalMin: Duration = .milliseconds(100)
    /// Longest pause between greetings.
    public static let greetIntervalMax: Duration = .seconds(1)

    /// Bytes of a job's result; a larger frame would end the connection.
    public static let resultBytesMax = 900 * 1024
    /// Bytes of the results of one JOB with several requests, all together.
    public static let resultsBytesMax = 1_800 * 1024

    /// What the shell shall do.
    public enum Action: Sendable {
        /// Send; when libzmq does not take it, call ``ClientCore/sendFailed(now:)``.
        case send(Frames)
        /// Close the socket, with what it has queued, and open a new one.
        case reopen
        case connected(Welcome)
        case disconnected(String)
        /// Sequenced events up to that number are in the log.
        case producerAcknowledged(upTo: UInt64)
        /// The broker will never take this producer's numbers.
        case producerFenced(Refusal)
        /// An answer to ``publish(_:frames:deadline:)`` or ``query(_:message:)``.
        case answered(UInt64, Answer)
        case deliver(UInt64, Record)
        case job(UInt64, LeaseToken, Record)
        /// Several requests under one lease.
        case jobs(UInt64, LeaseToken, [Record])
        /// A subscription or membership ended for good.
        case ended(UInt64, Refusal)
    }

    /// How a request ended.
    public enum Answer: Sendable {
        case accepted(sequence: UInt64, duplicate: Bool)
        case result([UInt8])
        case records([Record], scannedTo: UInt64)
        case refused(Refusal)
    }

    private enum Phase: Sendable, Hashable {
        case waiting(until: Duration)
        case greeting(since: Duration)
        case ready
    }

    private struct Request: Sendable {
        var message: ClientMessage
        var deadline: Duration
        var records: [Record] = []
        var retryAt: Duration?
    }

    private struct Subscription: Sendable {
        var request: SubscribeRequest
        /// Records that may still come.
        var credit: Int
        var lastDelivered: UInt64?
    }

    private let hello: Hello
    private var producerEpoch: UInt64
    private var phase: Phase
    private var greetInterval = ClientCore.greetIntervalMin
    private var heardAt: Duration
    private var pingedAt: Duration
    /// Unacknowledged events of the producer in order, and how many of them this session has sent.
    private var window: [(number: UInt64, topic: String, header: [UInt8], data: [UInt8])] = []
    private var sentCount = 0
    private var resendAt: Duration?
    private var requests: [UInt64: Request] = [:]
    private var subscriptions: [UInt64: Subscription] = [:]
    private var memberships: [UInt64: JoinRequest] = [:]
    /// Memberships that the broker asked to come back later.
    private var rejoinAt: [UInt64: Duration] = [:]
    private var actions: [Action] = []
    /// The log's incarnation in the last session.
    private var logEpoch: UInt64?

    /// A client that greets at its first tick.
    public init(hello: Hello, now: Duration) {
        self.hello = hello
        producerEpoch = hello.producerEpoch ?? 1
        phase = .waiting(until: now)
        heardAt = now
        pingedAt = now
    }

    /// Whether a session stands.
    public var isReady: Bool { phase == .ready }

    /// Takes the actions that have come up since the last call.
    public mutating func takeActions() -> [Action] {
        defer { actions = [] }
        return actions
    }

    // MARK: What the program wants

    /// Adds events to the producer's window; their numbers follow the last one without holes.
    public mutating func append(
        _ events: [(number: UInt64, topic: String, header: [UInt8], data: [UInt8])],
        epoch: UInt64
    ) {
        if epoch != producerEpoch {
            producerEpoch = epoch
            window = []
            sentCount = 0
            if case .waiting = phase {} else { reset("the producer's numbering began anew") }
        }
        window += events
        sendWindow()
    }

    /// Asks something that has one answer: an event without numbering, a request, FETCH or LAST.
    ///
    /// It is asked again in the next session when this one breaks, until the deadline.
    public mutating func ask(_ id: UInt64, _ message: ClientMessage, deadline: Duration) {
        requests[id] = Request(message: message, deadline: deadline)
        if phase == .ready { send(message) }
    }

    /// Forgets a request whose asker is gone.
    public mutating func cancel(_ id: UInt64) { requests[id] = nil }

    /// Follows the log from now on and through every later session, until ``leave(_:)`` or ``Action/ended(_:_:)``.
    public mutating func subscribe(_ id: UInt64, _ request: SubscribeRequest) {
        subscriptions[id] = Subscription(request: request, credit: request.credit)
        if phase == .ready { send(.subscribe(id, request)) }
    }

    /// Everything up to `sequence` took effect; `count` more records may come.
    public mutating func acknowledge(_ id: UInt64, sequence: UInt64, credit count: Int) {
        guard let subscription = subscriptions[id] else { return }
        subscriptions[id]?.credit += count
        guard phase == .ready else { return }
        if subscription.request.consumer != nil { send(.acknowledge(subscription: id, sequence: sequence)) }
        if count > 0 { send(.credit(subscription: id, count)) }
    }

    /// Takes part in a work group, in every later session too, until ``leave(_:)`` or ``Action/ended(_:_:)``.
    public mutating func join(_ id: UInt64, _ request: JoinRequest) {
        memberships[id] = request
        if phase == .ready { send(.join(id, request)) }
    }

    /// Ends a job. Without a session nothing is sent: the job has gone back and comes again, to whomever.
    public mutating func finish(_ id: UInt64, _ token: LeaseToken, result: [UInt8]) {
        guard result.count <= Self.resultBytesMax else {
            refuse(id, token, Self.tooLarge(result.count))
            return
        }
        if phase == .ready, memberships[id] != nil { send(.done(membership: id, token, result: result)) }
    }

    /// Gives a job back; another member gets it next if there is one.
    public mutating func fail(_ id: UInt64, _ token: LeaseToken, _ refusal: Refusal) {
        if phase == .ready, memberships[id] != nil { send(.fail(membership: id, token, refusal)) }
    }

    /// Ends a job of several requests with a result for each of them, in their order.
    public mutating func finish(_ id: UInt64, _ token: LeaseToken, results: [JobResult]) {
        var total = 0
        let results = results.map { result -> JobResult in
            guard case .answer(let bytes) = result else { return result }
            total += bytes.count
            guard bytes.count <= Self.resultBytesMax, total <= Self.resultsBytesMax else {
                total -= bytes.count
                return .refusal(Self.tooLarge(bytes.count))
            }
            return result
        }
        if phase == .ready, memberships[id] != nil { send(.doneParts(membership: id, token, results)) }
    }

    /// Ends a job that no other member could do either.
    public mutating func refuse(_ id: UInt64, _ token: LeaseToken, _ refusal: Refusal) {
        if phase == .ready, memberships[id] != nil { send(.refuse(membership: id, token, refusal)) }
    }

    private static func tooLarge(_ bytes: Int) -> Refusal {
        Refusal(.tooLarge, "the answer has \(bytes) bytes; \(resultBytesMax) are allowed: ask for less")
    }

    /// Puts the end of a lease off by one lease time.
    public mutating func extend(_ id: UInt64, _ token: LeaseToken) {
        if phase == .ready, memberships[id] != nil { send(.extend(membership: id, token)) }
    }

    /// Ends a subscription or a membership.
    public mutating func leave(_ id: UInt64) {
        let known = subscriptions.removeValue(forKey: id) != nil || memberships.removeValue(forKey: id) != nil
        rejoinAt[id] = nil
        if known, phase == .ready { send(.leave(id)) }
    }

    /// Says goodbye.
    public mutating func bye() { if phase == .ready { send(.bye) } }

    // MARK: What comes from outside

    /// One message of the broker.
    public mutating func receive(_ frames: Frames, now: Duration) {
        let message: BrokerMessage
        do { message = try BrokerMessage(frames: frames) } catch {
            // A newer broker may say more than this version understands.
            if error.code == .unknownCommand {
                heardAt = now
                return
            }
            reset("the broker sent what cannot be read: \(error.message)")
            return
        }
        heardAt = now
        switch message {
        case .welcome(_, let welcome): greeted(welcome, now: now)
        case .pong: break
        case .ackSequenced(let upTo, _): acknowledged(upTo)
        case .ack(let id, let sequence, let duplicate):
            if requests.removeValue(forKey: id) != nil {
                actions.append(.answered(id, .accepted(sequence: sequence, duplicate: duplicate)))
            }
        case .answer(let id, let data):
            if requests.removeValue(forKey: id) != nil { actions.append(.answered(id, .result(data))) }
        case .record(let id, let record): requests[id]?.records.append(record)
        case .endOfRecords(let id, let scanned):
            if let request = requests.removeValue(forKey: id) {
                actions.append(.answered(id, .records(request.records, scannedTo: scanned)))
            }
        case .nak(let id, let refusal): refused(id, refusal, now: now)
        case .deliver(let id, let record):
            guard let subscription = subscriptions[id] else { return }
            if let last = subscription.lastDelivered, record.sequence <= last { return }
            subscriptions[id]?.lastDelivered = record.sequence
            subscriptions[id]?.credit -= 1
            actions.append(.deliver(id, record))
        case .job(let id, let token, _, let record):
            if memberships[id] != nil { actions.append(.job(id, token, record)) }
        case .jobs(let id, let token, _, let records):
            if memberships[id] != nil { actions.append(.jobs(id, token, records)) }
        case .error(let id, let refusal): failed(id, refusal, now: now)
        }
    }

    /// Pings, greets, notices silence and deadlines. Call it at least every 100 ms.
    public mutating func tick(now: Duration) {
        switch phase {
        case .waiting(let until) where now >= until: greet(now: now)
        case .greeting(let since) where now - since > Self.silenceMax: reset("no answer to HELLO")
        case .ready where now - heardAt > Self.silenceMax: reset("the broker is silent")
        case .ready where now - pingedAt >= Self.pingInterval:
            pingedAt = now
            send(.ping)
        default: break
        }
        if let due = resendAt, now >= due {
            resendAt = nil
            sentCount = 0
            sendWindow()
        }
        for (id, at) in rejoinAt.sorted(by: { $0.key < $1.key }) where now >= at {
            rejoinAt[id] = nil
            if phase == .ready, let request = memberships[id] { send(.join(id, request)) }
        }
        for (id, request) in requests.sorted(by: { $0.key < $1.key }) {
            if now >= request.deadline {
                requests[id] = nil
                let message = isReady ? "no answer in time" : "the bus is not there; is it running?"
                actions.append(.answered(id, .refused(Refusal(.timeout, message))))
            } else if let retryAt = request.retryAt, now >= retryAt {
                requests[id]?.retryAt = nil
                if phase == .ready { send(request.message) }
            }
        }
    }

    /// libzmq did not take a message: there is no connection, or its queue is full.
    public mutating func sendFailed(now: Duration) {
        switch phase {
        case .greeting:
            phase = .waiting(until: now + greetInterval)
            greetInterval = min(greetInterval * 2, Self.greetIntervalMax)
        case .ready: reset("the connection broke")
        case .waiting: break
        }
    }

    // MARK: Sessions

    private mutating func greet(now: Duration) {
        phase = .greeting(since: now)
        var hello = hello
        if hello.producer != nil { hello.producerEpoch = producerEpoch }
        send(.hello(0, hello))
    }

    private mutating func greeted(_ welcome: Welcome, now: Duration) {
        phase = .ready
        greetInterval = Self.greetIntervalMin
        pingedAt = now
        resendAt = nil
        if let logEpoch, logEpoch != welcome.epoch {
            for id in subscriptions.keys {
                subscriptions[id]?.lastDelivered = nil
                subscriptions[id]?.request.start = .origin
            }
        }
        logEpoch = welcome.epoch
        actions.append(.connected(welcome))
        acknowledged(welcome.producerSequence)
        sentCount = 0
        sendWindow()
        for (id, subscription) in subscriptions.sorted(by: { $0.key < $1.key }) {
            var request = subscription.request
            if let last = subscription.lastDelivered { request.start = .after(last) }
            request.credit = subscription.credit
            send(.subscribe(id, request))
        }
        rejoinAt = [:]
        for (id, request) in memberships.sorted(by: { $0.key < $1.key }) { send(.join(id, request)) }
        for (id, request) in requests.sorted(by: { $0.key < $1.key }) {
            requests[id]?.records = []
            send(request.message)
        }
    }

    private mutating func reset(_ reason: String) {
        let wasReady = phase == .ready
        phase = .waiting(until: .zero)
        sentCount = 0
        actions.append(.reopen)
        if wasReady { actions.append(.disconnected(reason)) }
    }

    private mutating func failed(_ id: UInt64, _ refusal: Refusal, now: Duration) {
        switch refusal.code {
        case .rehello:
            guard phase == .ready else { return }
            actions.append(.disconnected("the broker restarted"))
            sentCount = 0
            greet(now: now)
        case .fenced where id == 0:
            actions.append(.producerFenced(refusal))
            phase = .waiting(until: now + Self.greetIntervalMax)
        case .denied where id == 0:
            // The key is not accepted (any longer). A new connection reads the key file again.
            if case .waiting = phase { return }
            reset("the bus refuses this program: \(refusal.message)")
            phase = .waiting(until: now + Self.greetIntervalMax)
        case .staleLease: break
        default:
            if requests.removeValue(forKey: id) != nil {
                actions.append(.answered(id, .refused(refusal)))
            } else if subscriptions.removeValue(forKey: id) != nil || memberships.removeValue(forKey: id) != nil {
                actions.append(.ended(id, refusal))
            }
        }
    }

    private mutating func refused(_ id: UInt64, _ refusal: Refusal, now: Duration) {
        if id == 0 {
            if let delay = refusal.retryAfterMs {
                resendAt = max(resendAt ?? .zero, now + .milliseconds(delay))
            } else {
                actions.append(.producerFenced(refusal))
            }
        } else if requests[id] != nil {
            if let delay = refusal.retryAfterMs, let deadline = requests[id]?.deadline,
                now + .milliseconds(delay) < deadline
            {
                requests[id]?.retryAt = now + .milliseconds(delay)
            } else {
                requests[id] = nil
                actions.append(.answered(id, .refused(refusal)))
            }
        } else if memberships[id] != nil, let delay = refusal.retryAfterMs {
            rejoinAt[id] = now + .milliseconds(delay)
        } else if subscriptions.removeValue(forKey: id) != nil || memberships.removeValue(forKey: id) != nil {
            actions.append(.ended(id, refusal))
        }
    }

    // MARK: The producer's window

    private mutating func acknowledged(_ upTo: UInt64) {
        let count = window.prefix { $0.number <= upTo }.count
        guard count > 0 else { return }
        window.removeFirst(count)
        sentCount = max(0, sentCount - count)
        actions.append(.producerAcknowledged(upTo: upTo))
    }

    private mutating func sendWindow() {
        guard phase == .ready, resendAt == nil else { return }
        for event in window[min(sentCount, window.count)...] {
            send(
                .publish(0, sequence: event.number, topic: event.topic, header: event.header, data: event.data)
            )
        }
        sentCount = window.count
    }

    private mutating func send(_ message: ClientMessage) {
        guard let frames = try? message.frames() else { return }
        actions.append(.send(frames))
    }
}
