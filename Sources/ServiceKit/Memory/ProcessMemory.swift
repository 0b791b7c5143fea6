import FoundationEssentials
import Glibc

/// The memory of this process as the operating system sees it.
public enum ProcessMemory {
    /// Resident bytes; 0 where the system does not say.
    public static func residentBytes() -> Int {
        guard let data = FileManager.default.contents(atPath: "/proc/self/statm") else { return 0 }
        let fields = String(decoding: data, as: UTF8.self).split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else { return 0 }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// Gives back the code pages, of which only those come back that run again.
    ///
    /// Starting a statically linked program touches most of its code once: relocation, type metadata, opening of the
    /// store; later a rollout or a snapshot does. Those pages are clean copies of the file, so they are dropped here;
    /// whatever runs again is mapped again from the page cache. Only mappings that can be executed and not written are
    /// touched.
    public static func releaseCode() {
        guard let data = FileManager.default.contents(atPath: "/proc/self/maps") else { return }
        for line in String(decoding: data, as: UTF8.self).split(separator: "\n") {
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            guard fields.count >= 6, fields[1] == "r-xp", fields[5].hasPrefix("/") else { continue }
            let bounds = fields[0].split(separator: "-")
            guard bounds.count == 2, let start = UInt(bounds[0], radix: 16), let end = UInt(bounds[1], radix: 16),
                end > start
            else { continue }
            // Safety: the range is a live read-only file mapping of this process; dropping its pages loses nothing.
            madvise(UnsafeMutableRawPointer(bitPattern: start), Int(end - start), MADV_DONTNEED)
        }
    }
}
