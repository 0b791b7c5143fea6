import Bus
import CoreMetrics
import Events
import Logging
import Membership
import ServiceKit
import Storage

/// `POST /events`: puts what other systems say into the log, and answers when it is there.
struct EventsRoute: Sendable {
    /// The answer to a request whose events are in the log.
    struct Accepted: Codable, Sendable, Hashable {
        /// Events of the request that are in the log.
        var accepted: Int
        /// Those of them that the log had before, by source and id.
        var duplicates: Int
        /// Their positions in the log, in the order of the request.
        var sequences: [UInt64]
    }

    /// The answer to a request that failed, with what went well before.
    struct Failed: Codable, Sendable, Hashable {
        var code: String
        var message: String
        /// The first event of a batch that failed, from 0; absent outside of batches.
        var index: Int?
        /// The events before it.
        var accepted: Int?
        var duplicates: Int?
        var sequences: [UInt64]?
    }

    /// Events of a batch that are under way at once.
    private static let windowMax = 64
    private static let publishTimeout = Duration.seconds(5)

    let member: Member
    let catalogue: PipelineCatalogue
    private let accepted = Counter(label: "gateway_events_accepted_total")
    private let duplicates = Counter(label: "gateway_events_duplicate_total")

    init(member: Member, catalogue: PipelineCatalogue) {
        self.member = member
        self.catalogue = catalogue
    }

    /// Carries out a request.
    /// - Parameter headers: Names in lower case with their values.
    /// - Throws: What the store throws when a refusal cannot be kept.
    func post(_ headers: [(name: String, value: String)], body: [UInt8]) async throws -> Answer {
        guard member.health.isReady else {
            return unavailable("the gateway is not ready: \(member.health.reasons.joined(separator: "; "))")
        }
        let mode: EventBinding.Mode
        let events: [Result<CloudEvent, Refusal>]
        do throws(Refusal) {
            mode = try EventBinding.mode(headers)
            events = try EventBinding.events(mode, headers, body: body)
        } catch {
            return try await failed(error, index: nil, Accepted(accepted: 0, duplicates: 0, sequences: []))
        }
        let check = EventCheck(site: member.identity.site, pipelines: catalogue.all, now: Member.clock())
        var admitted: [EventCheck.Admitted] = []
        var refusal: Refusal?
        for event in events {
            do throws(Refusal) { admitted.append(try check.admit(try event.get())) } catch {
                refusal = error
                break
            }
        }
        let isBatch = mode == .batch
        let (done, error) = await publish(admitted)
        accepted.increment(by: done.accepted)
        duplicates.increment(by: done.duplicates)
        if let error {
            return try await failed(
                Self.refusal(error, admitted[done.accepted].event),
                index: isBatch ? done.accepted : nil,
                done
            )
        }
        if let refusal {
            return try await failed(refusal, index: isBatch ? admitted.count : nil, done)
        }
        return try Answer(202, done)
    }

    /// Puts events into the log in order, until one fails.
    ///
    /// The events of a window are sent one after the other without waiting: an immediate task runs up to its first wait
    /// before the next one starts. Of a window in which one fails, later ones may be in the log too; sending them again
    /// is safe, because they are known by source and id.
    private func publish(_ events: [EventCheck.Admitted]) async -> (Accepted, BusError?) {
        var done = Accepted(accepted: 0, duplicates: 0, sequences: [])
        for start in stride(from: 0, to: events.count, by: Self.windowMax) {
            let window = events[start..<min(start + Self.windowMax, events.count)]
            let results = await withTaskGroup(of: (Int, Result<BusClient.Receipt, BusError>).self) { group in
                for (index, event) in zip(window.indices, window) {
                    group.addImmediateTask { [bus = member.bus] in
                        do throws(BusError) {
                            let receipt = try await bus.publish(
                                topic: event.topic,
                                event.event,
                                timeout: Self.publishTimeout
                            )
                            return (index, .success(receipt))
                        } catch {
                            return (index, .failure(error))
                        }
                    }
                }
                var results: [Int: Result<BusClient.Receipt, BusError>] = [:]
                for await (index, result) in group { results[index] = result }
                return results
            }
            for index in window.indices {
                switch results[index] {
                case .success(let receipt)?:
                    done.accepted += 1
                    done.duplicates += receipt.isDuplicate ? 1 : 0
                    done.sequences.append(receipt.sequence)
                case .failure(let error)?: return (done, error)
                case nil: return (done, BusError(.timeout, "the gateway is stopping"))
                }
            }
        }
        return (done, nil)
    }

    private static func refusal(_ error: BusError, _ event: CloudEvent) -> Refusal {
        guard !error.isRetriable else {
            return Refusal(
                503,
                error.code.rawValue,
                "the bus did not confirm the event: \(error.message); send it again, an event that is in the log "
                    + "already counts once"
            )
        }
        return Refusal(error.code == .tooLarge ? 413 : 400, error.code, error.message, of: event)
    }

    private func failed(_ refusal: Refusal, index: Int?, _ done: Accepted) async throws -> Answer {
        Counter(label: "gateway_events_refused_total", dimensions: [("code", refusal.code)]).increment()
        let message = index.map { "event [\($0)]: " } ?? ""
        if let event = refusal.event {
            member.logger.notice(
                "refused an event",
                metadata: ["event.type": "\(event.type ?? "?")", "reason": "\(refusal.message)"]
            )
            // Kept before the answer, so nobody makes refusals faster than the disk takes them.
            _ = try await member.store.write { transaction in
                try transaction.send(
                    EventRefused(
                        service: "gateway",
                        type: event.type,
                        source: event.source,
                        id: event.id,
                        code: event.code,
                        message: String(refusal.message.prefix(Self.messageCharactersMax))
                    )
                )
            }
        }
        var answer = try Answer(
            refusal.status,
            Failed(
                code: refusal.code,
                message: message + refusal.message,
                index: index,
                accepted: index == nil ? nil : done.accepted,
                duplicates: index == nil ? nil : done.duplicates,
                sequences: index == nil ? nil : done.sequences
            )
        )
        if refusal.status == 503 { answer.headers["retry-after"] = Self.retryAfterSeconds }
        return answer
    }

    private func unavailable(_ message: String) -> Answer {
        var answer = Answer(Refusal(503, ErrorCode.busy.rawValue, message + "; send it again"))
        answer.headers["retry-after"] = Self.retryAfterSeconds
        return answer
    }

    private static let retryAfterSeconds = "1"
    private static let messageCharactersMax = 4_000
}
