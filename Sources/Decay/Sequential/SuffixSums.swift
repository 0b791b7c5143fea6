/// Sums over the newest values for windows of growing length, in memory that grows with the logarithm of the longest.
///
/// Buckets of 2^r values; when a row has more than `perRow`, its two oldest become one of the next row. What leaves the
/// last row is forgotten here; whoever keeps totals has it.
struct SuffixSums: Codable, Sendable, Hashable {
    static let perRow = 3

    let rows: Int
    private(set) var counts: [UInt8] = []
    private(set) var sums: [Float] = []

    init(rows: Int) { self.rows = rows }

    mutating func removeAll() {
        counts.removeAll(keepingCapacity: true)
        sums.removeAll(keepingCapacity: true)
    }

    mutating func add(_ value: Float) {
        var carry = value
        var row = 0
        while true {
            if row == rows { return }
            if row == counts.count {
                counts.append(0)
                sums.append(contentsOf: repeatElement(0, count: Self.perRow))
            }
            let place = row * Self.perRow
            if Int(counts[row]) < Self.perRow {
                sums[place + Int(counts[row])] = carry
                counts[row] += 1
                return
            }
            // Full: the two oldest move up as one, the newest takes its place at the end.
            let moved = sums[place] + sums[place + 1]
            sums[place] = sums[place + 2]
            sums[place + 1] = carry
            counts[row] = 2
            carry = moved
            row += 1
        }
    }

    /// Calls `look` with the length and the sum of each suffix, the shortest first.
    @inline(__always)
    func forEachSuffix(_ look: (Int, Double) -> Void) {
        var length = 0
        var sum = 0.0
        for row in counts.indices {
            let place = row * Self.perRow
            for i in stride(from: Int(counts[row]) - 1, through: 0, by: -1) {
                length += 1 << row
                sum += Double(sums[place + i])
                look(length, sum)
            }
        }
    }
}
