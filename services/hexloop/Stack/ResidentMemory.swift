import FoundationEssentials
import Glibc

/// Memory of processes as the system counts it.
struct ResidentMemory: Sendable, Hashable {
    /// Pages in memory. Added up over processes, pages of shared libraries count once for each.
    var bytes = 0
    /// The same with each shared page divided among those who share it, so that a sum counts it once.
    var sharedOnceBytes = 0

    init() {}

    /// Memory of a process; zero where the system does not say.
    init(of process: pid_t) {
        guard let data = FileManager.default.contents(atPath: "/proc/\(process)/smaps_rollup") else { return }
        for line in String(decoding: data, as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ", omittingEmptySubsequences: true)
            guard words.count == 3, let kibibytes = Int(words[1]) else { continue }
            if words[0] == "Rss:" { bytes = kibibytes * 1024 }
            if words[0] == "Pss:" { sharedOnceBytes = kibibytes * 1024 }
        }
    }

    static func += (left: inout ResidentMemory, right: ResidentMemory) {
        left.bytes += right.bytes
        left.sharedOnceBytes += right.sharedOnceBytes
    }
}
