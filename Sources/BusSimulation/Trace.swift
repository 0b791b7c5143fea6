/// What happened in a run, as numbers: all of it goes into a hash, and into a list when somebody wants to read it.
package struct Trace: Sendable {
    /// What an entry is about; `a` and `b` are named in the text.
    package enum Kind: UInt8, Sendable {
        case fault
        case clientSends
        case clientReceives
        case brokerSends
        case commit
        case refusedBatch
        case read
        case brokerStarts
        case clientStarts
        case clientEnds
        case applied
        case fanOut
        case handed
        case job
        case jobEnds
        case question
        case answer
    }

    private struct Entry: Sendable {
        var at: Int32
        var kind: Kind
        var actor: Int8
        var a: UInt64
        var b: UInt64
    }

    package private(set) var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    private var entries: [Entry] = []
    private let keeps: Bool

    /// - Parameter keeps: Whether the entries can be read afterwards.
    package init(keeps: Bool) { self.keeps = keeps }

    mutating func add(_ at: Int32, _ kind: Kind, _ actor: Int, _ a: UInt64 = 0, _ b: UInt64 = 0) {
        mix(
            UInt64(UInt32(bitPattern: at)) << 32 | UInt64(kind.rawValue) << 8 | UInt64(UInt8(truncatingIfNeeded: actor))
        )
        mix(a)
        mix(b)
        if keeps { entries.append(Entry(at: at, kind: kind, actor: Int8(truncatingIfNeeded: actor), a: a, b: b)) }
    }

    private mutating func mix(_ value: UInt64) {
        hash = (hash ^ value) &* 0x9E37_79B9_7F4A_7C15
        hash ^= hash >> 29
    }

    /// One line for each entry.
    package var lines: [String] { entries.map(Self.line) }

    private static func line(_ entry: Entry) -> String {
        let who = entry.actor < 0 ? "broker" : "client \(entry.actor)"
        let (a, b) = (entry.a, entry.b)
        let what =
            switch entry.kind {
            case .fault: "fault: \(Fault(rawValue: Int(a)).map { "\($0)" } ?? "?") \(b)"
            case .clientSends: "sends command \(a), \(b)"
            case .clientReceives: "receives command \(a), \(b)"
            case .brokerSends: "sends to client \(b): command \(a)"
            case .commit: "commits \(a) events, head \(b)"
            case .refusedBatch: "refuses a batch of \(a) events"
            case .read: "reads after \(a), found \(b)"
            case .brokerStarts: "starts, head \(a)"
            case .clientStarts: "starts, cursor \(a), \(b) events produced"
            case .clientEnds: "ends"
            case .applied: "applied \(a)"
            case .fanOut: "fans out \(a)"
            case .handed: "watched \(a)"
            case .job: "got job \(a), delivery \(b)"
            case .jobEnds: "ends job \(a), delivery \(b)"
            case .question: "asks \(a)"
            case .answer: "has an answer to \(a): \(b == 1 ? "yes" : "no")"
            }
        let ms = "\(entry.at)"
        return String(repeating: " ", count: max(0, 7 - ms.count)) + ms + " ms  \(who) \(what)"
    }
}
