public import Events

extension BusClient {
    /// Follows committed events live over the fan-out socket, without holes.
    ///
    /// The fan-out is lossy. A record whose `previous` was not seen, or a head beat that names a newer one, shows what
    /// was missed, and it is fetched from the log before anything newer of its topic is handed on. Records of one
    /// topic come in order and once; those of different topics may overtake each other.
    ///
    /// Returns when the task is cancelled or the client is closed.
    /// - Parameters:
    ///   - start: Everything up to here is known; nil for the log's head at the time of the call.
    ///   - hand: Gets each record.
    /// - Throws: ``BusError`` when the log does not answer.
    public func watch(
        _ filters: [TopicFilter],
        after start: UInt64? = nil,
        hand: (Record) async -> Void
    ) async throws(BusError) {
        let stream = listen(prefixes: [HeadBeat.topic] + filters.map(\.literalPrefix), buffer: 16_384)
        var detector: GapDetector?
        var early: [Record] = []
        for await frames in stream {
            if frames.count == 2 {
                guard let beat = try? EventCoding.decode(HeadBeat.self, from: frames[1]) else { continue }
                if detector == nil || detector?.epoch != beat.epoch {
                    let known = start ?? early.first.map { $0.sequence - 1 } ?? beat.head
                    detector = GapDetector(epoch: beat.epoch, start: detector == nil ? known : 0)
                    for record in early { try await take(record, &detector, hand) }
                    early = []
                }
                for (topic, after) in detector?.missing(beat) ?? []
                where filters.contains(where: { $0.matches(topic) }) {
                    try await fill(topic, after: after, &detector, hand)
                }
            } else if let record = try? Record(frames: frames), record.flags.contains(.durable),
                filters.contains(where: { $0.matches(record.topic) })
            {
                if detector == nil { early.append(record) } else { try await take(record, &detector, hand) }
            }
        }
    }

    private func take(
        _ record: Record,
        _ detector: inout GapDetector?,
        _ hand: (Record) async -> Void
    ) async throws(BusError) {
        switch detector?.accept(record) {
        case .next: await hand(record)
        case .gap(let after): try await fill(record.topic, after: after, &detector, hand)
        case .repeated, .newEpoch, nil: break
        }
    }

    /// Hands on what the log has of a topic after `sequence`.
    private func fill(
        _ topic: String,
        after sequence: UInt64,
        _ detector: inout GapDetector?,
        _ hand: (Record) async -> Void
    ) async throws(BusError) {
        guard let filter = try? TopicFilter(topic) else { return }
        var after = sequence
        while true {
            let (records, scannedTo) = try await fetch([filter], after: after)
            for record in records where detector?.accept(record) == .next { await hand(record) }
            if scannedTo <= after { return }
            after = scannedTo
        }
    }
}
