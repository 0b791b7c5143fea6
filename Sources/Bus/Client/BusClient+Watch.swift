public import Events

extension BusClient {
    /// Follows committed events live over the fan-out socket, without holes.
    ///
    /// The fan-out is lossy; ``FanOutReader`` finds what was missed, and it is fetched from the log before anything
    /// newer of its topic is handed on. Records of one topic come in order and once; those of different topics may
    /// overtake each other.
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
        var reader = FanOutReader(filters, after: start)
        for await frames in stream {
            reader.receive(frames)
            while true {
                for record in reader.takeRecords() { await hand(record) }
                guard let page = reader.page else { break }
                let (records, scannedTo) = try await fetch(page.filters, after: page.after)
                reader.filled(records, scannedTo: scannedTo)
            }
        }
    }
}
