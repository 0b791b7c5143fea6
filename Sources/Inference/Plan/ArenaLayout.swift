/// Places of buffers in one piece of memory, such that none overlaps another that is alive at the same time.
///
/// Each begins at a multiple of 64 bytes, and 64 more bytes than the last needs are there, so that a vector load that
/// begins inside a buffer stays in the memory.
public struct ArenaLayout: Sendable, Hashable {
    /// What is to be placed.
    public struct Buffer: Sendable, Hashable {
        /// Its size; 0 takes no place.
        public var bytes: Int
        /// The first and last step at which it is alive.
        public var first: Int
        /// The last step at which it is alive.
        public var last: Int

        /// Makes a value of its parts.
        public init(bytes: Int, first: Int, last: Int) {
            self.bytes = bytes
            self.first = first
            self.last = last
        }
    }

    /// Where each buffer begins.
    public internal(set) var offsets: [Int]
    /// The size of the memory.
    public let byteCount: Int
    /// The most bytes that are alive at one step: no layout needs less.
    public let aliveBytesMax: Int

    /// Every buffer begins at a multiple of this, and as many bytes follow the last.
    public static let alignment = 64

    /// Places the buffers one after the other into the tightest gap that they fit, in two orders: the largest first, and
    /// as they come to life. The better of the two is kept.
    ///
    /// - Precondition: Sizes are not negative and their sum, each rounded up to ``alignment``, does not overflow.
    public init(_ buffers: [Buffer]) {
        let placed = buffers.indices.filter { buffers[$0].bytes > 0 }
        let bySize = placed.sorted {
            (-buffers[$0].bytes, buffers[$0].first, $0) < (-buffers[$1].bytes, buffers[$1].first, $1)
        }
        let byTime = placed.sorted {
            (buffers[$0].first, -buffers[$0].bytes, $0) < (buffers[$1].first, -buffers[$1].bytes, $1)
        }
        let attempts = [bySize, byTime].map { ArenaLayout.place(buffers, in: $0) }
        let best = attempts[1].end < attempts[0].end ? attempts[1] : attempts[0]
        offsets = best.offsets
        byteCount = best.end + ArenaLayout.alignment
        aliveBytesMax = ArenaLayout.aliveBytes(buffers)
    }

    private static func rounded(_ bytes: Int) -> Int { (bytes + alignment - 1) / alignment * alignment }

    private static func place(_ buffers: [Buffer], in order: [Int]) -> (offsets: [Int], end: Int) {
        var offsets = [Int](repeating: 0, count: buffers.count)
        var end = 0
        /// What is placed, by offset.
        var placed: [(offset: Int, end: Int, buffer: Int)] = []
        for index in order {
            let buffer = buffers[index]
            let bytes = rounded(buffer.bytes)
            var best: (offset: Int, room: Int)?
            var gap = 0
            for other in placed {
                let isAlive = buffers[other.buffer].first <= buffer.last && buffer.first <= buffers[other.buffer].last
                guard isAlive else { continue }
                let room = other.offset - gap
                if room >= bytes, room < best?.room ?? .max { best = (gap, room) }
                gap = max(gap, other.end)
            }
            let offset = best?.offset ?? gap
            offsets[index] = offset
            end = max(end, offset + bytes)
            let position = placed.firstIndex { $0.offset > offset } ?? placed.endIndex
            placed.insert((offset, offset + bytes, index), at: position)
        }
        return (offsets, end)
    }

    private static func aliveBytes(_ buffers: [Buffer]) -> Int {
        var changes: [Int: Int] = [:]
        for buffer in buffers where buffer.bytes > 0 {
            changes[buffer.first, default: 0] += rounded(buffer.bytes)
            changes[buffer.last + 1, default: 0] -= rounded(buffer.bytes)
        }
        var alive = 0
        return changes.sorted { $0.key < $1.key }.reduce(0) {
            alive += $1.value
            return max($0, alive)
        }
    }
}
