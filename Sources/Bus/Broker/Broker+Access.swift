public import Events
import ZeroMQ

/// Rights at the broker: every message is judged anew by the policy in force, so what is taken back is gone at once,
/// from sessions that stand too.
///
/// A broker without a policy judges nobody: it is reached over a directory of its own user, or was told to be open.
extension Broker {
    /// What a peer may do.
    enum Standing {
        /// Everything: there is no policy.
        case open
        case granted(AccessPolicy.Identity)
        /// Nothing any more.
        case refused(String)
    }

    func standing(of peer: PeerID, at time: Timestamp) -> Standing { standing(ofKey: peer.key, at: time) }

    func standing(ofKey key: String?, at time: Timestamp) -> Standing {
        guard let access else { return .open }
        guard let key else { return .refused("this broker wants a key") }
        switch access.standing(of: key, at: time) {
        case .granted(let identity): return .granted(identity)
        case .refused(let reason): return .refused(reason)
        }
    }

    // MARK: Changes

    /// Puts a policy in force. Sessions whose key is no longer accepted end; subscriptions and memberships that are no
    /// longer covered end with ERR `denied`.
    public mutating func setAccess(_ policy: AccessPolicy?, now: Duration, at time: Timestamp) {
        access = policy
        reviewAccess(now: now, at: time)
    }

    /// Ends what the policy does not cover; keys in their time of grace stop by themselves.
    mutating func reviewAccess(now: Duration, at time: Timestamp) {
        guard access != nil else { return }
        for (peer, session) in sessions {
            switch standing(of: peer, at: time) {
            case .open: continue
            case .refused(let reason): turnOut(peer, reason, now: now, at: time)
            case .granted(let identity): review(peer, session, identity, now: now, at: time)
            }
        }
    }

    private mutating func review(
        _ peer: PeerID,
        _ session: Session,
        _ identity: AccessPolicy.Identity,
        now: Duration,
        at time: Timestamp
    ) {
        let rights = identity.rights
        for id in session.consumers {
            guard let consumer = consumers[ConsumerID(peer: peer, correlation: id)] else { continue }
            let isCovered = consumer.filters.allSatisfy(rights.mayRead) && consumer.name.map(rights.mayUse) ?? true
            guard !isCovered else { continue }
            leave(Requester(peer: peer, correlation: id), now: now)
            endDenied(peer, id, "'\(identity.name)' may no longer read what it subscribed to", at: time)
        }
        for (id, name) in session.memberships {
            let isCovered = rights.mayJoin(name) && groups[name]?.filters.allSatisfy(rights.mayRead) ?? true
            guard !isCovered else { continue }
            leave(Requester(peer: peer, correlation: id), now: now)
            endDenied(peer, id, "'\(identity.name)' may no longer work in group '\(name)'", at: time)
        }
    }

    private mutating func endDenied(_ peer: PeerID, _ id: UInt64, _ message: String, at time: Timestamp) {
        counters.denied += 1
        send(peer, .error(id, Refusal(.denied, message)))
        report(.denied, message, about: peer.key ?? "", at: time)
    }

    /// A message came under a key that is not accepted: its session ends, and its leases go back at once.
    mutating func turnOut(_ peer: PeerID, _ reason: String, now: Duration, at time: Timestamp) {
        counters.denied += 1
        end(peer, now: now)
        send(peer, .error(0, Refusal(.denied, reason)))
        report(.denied, reason, about: peer.key ?? "", at: time)
    }

    // MARK: Refusals

    /// Whether `peer` may do it; when not it is told and the log says so.
    mutating func isGranted(
        _ peer: PeerID,
        _ correlation: UInt64,
        at time: Timestamp,
        event: CloudEvent? = nil,
        retryAfterMs: Int? = nil,
        _ what: (AccessRights) -> String?
    ) -> Bool {
        switch standing(of: peer, at: time) {
        case .open: return true
        case .granted(let identity):
            guard let missing = what(identity.rights) else { return true }
            deny(peer, correlation, "'\(identity.name)' \(missing)", event, retryAfterMs: retryAfterMs, at: time)
        case .refused(let reason): deny(peer, correlation, reason, event, retryAfterMs: retryAfterMs, at: time)
        }
        return false
    }

    private mutating func deny(
        _ peer: PeerID,
        _ correlation: UInt64,
        _ message: String,
        _ event: CloudEvent?,
        retryAfterMs: Int?,
        at time: Timestamp
    ) {
        counters.denied += 1
        let message = "\(message); 'hexloop keys' changes rights"
        refuse(peer, correlation, .denied, message, retryAfterMs: retryAfterMs)
        report(.denied, message, about: peer.key ?? "", event, at: time)
    }

    /// Says in the log that somebody was refused: once in ``RepeatFilter/pause`` for the same code and `about`, which is a key
    /// or an address, with the number of those in between.
    mutating func report(
        _ code: ErrorCode,
        _ message: String,
        about: String,
        _ event: CloudEvent? = nil,
        at time: Timestamp
    ) {
        let text = "\(code.rawValue) \(about) \(message)"
        guard let unsaid = refusalRepeats.pass(text, now: .microseconds(time.microseconds)),
            telemetry.mayReport(at: time)
        else { return }
        let repeats = unsaid > 0 ? " (and \(unsaid) times before)" : ""
        appendOwn(
            EventRefused(
                service: "bus",
                type: event?.type,
                source: event?.source,
                id: event?.id,
                code: code,
                message: message + repeats
            ),
            at: time
        )
    }

    /// Somebody was turned away before the first message: an unknown or revoked key, none, or another protocol.
    public mutating func turnedAway(_ code: ErrorCode, _ reason: String, about: String, at time: Timestamp) {
        counters.denied += 1
        report(code, reason, about: about, at: time)
    }

    // MARK: Publishing

    /// Whether the peer may publish an event whose header was not read yet.
    mutating func mayPublish(
        _ requester: Requester,
        _ topic: String,
        _ header: [UInt8],
        retryAfterMs: Int? = nil,
        at time: Timestamp
    ) -> Bool {
        guard access != nil else { return true }
        let source: String
        do { source = try HeaderSource.of(header) } catch {
            refuse(requester.peer, requester.correlation, error.code, error.message)
            return false
        }
        let isAdministration = isAdministration(topic)
        return isGranted(requester.peer, requester.correlation, at: time, retryAfterMs: retryAfterMs) {
            $0.missing(toPublish: topic, source: source, isAdministration: isAdministration)
        }
    }

    mutating func mayPublish(_ requester: Requester, _ topic: String, _ event: CloudEvent, at time: Timestamp) -> Bool {
        guard access != nil else { return true }
        let isAdministration = isAdministration(topic)
        return isGranted(requester.peer, requester.correlation, at: time, event: event) {
            $0.missing(toPublish: topic, source: event.source, isAdministration: isAdministration)
        }
    }

    /// Whether a question is for the broker itself.
    private func isAdministration(_ topic: String) -> Bool { topic.hasPrefix("q/\(site)/bus/") }

    /// Whether a message may come in through the ingress socket, where nobody can be answered.
    mutating func mayEnter(
        _ key: String?,
        _ topic: String,
        _ source: String?,
        _ event: CloudEvent? = nil,
        at time: Timestamp
    ) -> Bool {
        let reason: String
        switch standing(ofKey: key, at: time) {
        case .open: return true
        case .refused(let text): reason = text
        case .granted(let identity):
            guard let missing = identity.rights.missing(toPublish: topic, source: source ?? "") else { return true }
            reason = "'\(identity.name)' \(missing); 'hexloop keys' changes rights"
        }
        counters.refused += 1
        counters.denied += 1
        report(.denied, reason, about: key ?? "", event, at: time)
        return false
    }

    // MARK: How much

    /// Whether an identity may open another session.
    mutating func hasRoomForSession(of peer: PeerID, at time: Timestamp) -> Bool {
        guard case .granted(let identity) = standing(of: peer, at: time) else { return true }
        let keys = Set(identity.keys.map(\.key))
        return sessions.keys.count { $0.key.map(keys.contains) ?? false } < rates.sessionsMax
    }

    /// Whether a message is within what its identity may send. What asks for something is told to come back; what keeps
    /// a session or a lease alive always passes.
    mutating func isInRate(
        _ peer: PeerID,
        _ message: ClientMessage,
        _ frames: Frames,
        now: Duration,
        at time: Timestamp
    ) -> Bool {
        guard case .granted(let identity) = standing(of: peer, at: time),
            let wait = rates.take(identity.name, bytes: frames.reduce(0) { $0 + $1.count }, now: now)
        else { return true }
        let correlation: UInt64
        switch message {
        case .publish: correlation = 0
        case .hello(let id, _), .publishUnsequenced(let id, _, _, _), .publishStructured(let id, _, _),
            .subscribe(let id, _), .fetch(let id, _), .last(let id, _), .join(let id, _):
            correlation = id
        default: return true
        }
        counters.throttled += 1
        refuse(
            peer,
            correlation,
            .busy,
            "'\(identity.name)' sends more than \(rates.messagesPerSecondMax) messages or "
                + "\(rates.bytesPerSecondMax) bytes a second",
            retryAfterMs: wait
        )
        return false
    }

    /// The same for a message that nobody waits for: it is dropped and counted.
    mutating func isInRate(_ key: String?, _ frames: Frames, now: Duration, at time: Timestamp) -> Bool {
        guard case .granted(let identity) = standing(ofKey: key, at: time),
            rates.take(identity.name, bytes: frames.reduce(0) { $0 + $1.count }, now: now) != nil
        else { return true }
        counters.throttled += 1
        return false
    }

    // MARK: The fan-out socket

    /// Whether a peer of the fan-out socket may read what begins with `prefix`.
    public mutating func mayListen(_ prefix: String, key: String?, at time: Timestamp) -> Bool {
        let reason: String
        switch standing(ofKey: key, at: time) {
        case .open: return true
        case .granted(let identity):
            if identity.rights.mayRead(prefix: prefix) { return true }
            reason = "'\(identity.name)' may not listen to '\(prefix)'; 'hexloop keys' changes rights"
        case .refused(let text): reason = text
        }
        counters.denied += 1
        report(.denied, reason, about: key ?? "", at: time)
        return false
    }
}

extension AccessRights {
    /// What it lacks to publish an event; nil when nothing.
    func missing(toPublish topic: String, source: String?, isAdministration: Bool = false) -> String? {
        guard mayPublish(topic) else { return "may not publish on '\(topic)'" }
        guard !isAdministration || admin else { return "is no administrator of the bus" }
        guard let source else { return nil }
        return maySpeak(as: source) ? nil : "may not speak as '\(source)'"
    }

    /// What it lacks to begin a session; nil when nothing.
    func missing(toGreet hello: Hello) -> String? {
        guard let name = hello.producer, !mayUse(name: name) else { return nil }
        return "may not number events as '\(name)'"
    }

    /// What it lacks to subscribe; nil when nothing.
    func missing(toSubscribe request: SubscribeRequest) -> String? {
        if let name = request.consumer, !mayUse(name: name) { return "may not read as '\(name)'" }
        return missing(toRead: request.filters)
    }

    /// What it lacks to join a group; nil when nothing.
    func missing(toJoin request: JoinRequest) -> String? {
        mayJoin(request.group) ? missing(toRead: request.filters) : "may not work in group '\(request.group)'"
    }

    /// What it lacks to read; nil when nothing.
    func missing(toRead filters: [TopicFilter]) -> String? {
        filters.first { !mayRead($0) }.map { "may not read '\($0)'" }
    }
}
