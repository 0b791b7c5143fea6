import FoundationEssentials
import Glibc

/// What a client did, line by line, appended to a file that outlives it.
///
/// A line is `i n` (about to), `o n sequence` (it was promised), `f n` (refused or without an answer), `a n sequence`
/// (an effect), `z` (everything that was begun is done).
struct ChaosHistory: Sendable {
    let path: String
    private let descriptor: Int32

    init(path: String) throws(CommandError) {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        guard descriptor >= 0 else { throw CommandError("\(path) cannot be written") }
    }

    func append(_ text: String) {
        let bytes = Array((text + "\n").utf8)
        _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    }

    /// What a client's file says.
    struct Contents: Sendable {
        var invoked: Set<Int> = []
        /// Promised, with the sequence where one was named.
        var acknowledged: [Int: UInt64] = [:]
        var failed = 0
        var effects: [(number: Int, sequence: UInt64)] = []
        var isDrained = false
    }

    static func read(_ path: String) -> Contents {
        var contents = Contents()
        let bytes = FileManager.default.contents(atPath: path) ?? Data()
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
            let number = fields.count > 1 ? Int(fields[1]) ?? 0 : 0
            let sequence = fields.count > 2 ? UInt64(fields[2]) ?? 0 : 0
            switch fields.first {
            case "i": contents.invoked.insert(number)
            case "o": contents.acknowledged[number] = sequence
            case "f": contents.failed += 1
            case "a": contents.effects.append((number, sequence))
            case "z": contents.isDrained = true
            default: break
            }
        }
        return contents
    }
}
