import Events

/// Numbers telemetry on its way through the broker and counts what was lost before it.
struct TelemetryRelay: Sendable {
    /// Publishers and topics that are remembered; beyond it the oldest knowledge is dropped.
    static let rememberedMax = 10_000
    /// Refusals of the ingress socket that become events, per second.
    static let reportsPerSecondMax = 10

    /// The publisher's incarnation to its last number.
    private var publishers: [UInt64: UInt64] = [:]
    private var lastOfTopic: [String: UInt64] = [:]
    private var sequence: UInt64 = 0
    private var reports = (second: Int64(0), count: 0)

    /// The record with the broker's numbers, and how many of its publisher's records before it never came.
    mutating func relay(_ record: Record) -> (record: Record, lost: Int) {
        var lost = 0
        if record.sequence > 0 {
            if let last = publishers[record.epoch], record.sequence > last {
                lost = Int(clamping: record.sequence - last - 1)
            }
            if publishers.count >= Self.rememberedMax, publishers[record.epoch] == nil { publishers = [:] }
            publishers[record.epoch] = max(record.sequence, publishers[record.epoch] ?? 0)
        }
        sequence += 1
        var relayed = record
        relayed.stream = Record.telemetryStream
        relayed.epoch = 0
        relayed.sequence = sequence
        relayed.previous = lastOfTopic[record.topic] ?? 0
        if lastOfTopic.count >= Self.rememberedMax { lastOfTopic = [:] }
        lastOfTopic[record.topic] = sequence
        return (relayed, lost)
    }

    /// Whether another refusal may become an event in this second.
    mutating func mayReport(at time: Timestamp) -> Bool {
        let second = time.microseconds / 1_000_000
        if reports.second != second { reports = (second, 0) }
        reports.count += 1
        return reports.count <= Self.reportsPerSecondMax
    }
}
