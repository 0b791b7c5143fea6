/// Two samples as one ascending sequence: merged once for all statistics that walk over both.
struct MergedSamples: Sendable {
    /// Values of the first sample.
    let countA: Int
    /// Values of the second sample.
    let countB: Int
    /// All values, ascending; of equal ones those of the first sample come first.
    let values: [Double]
    /// How many of the values up to each, and with it, are of the first sample.
    let ranks: [Int32]

    /// Merges.
    ///
    /// Which sample is next is as good as drawn, so nothing branches on it; with checks of each place that would be
    /// lost.
    /// - Complexity: O(n + m).
    init(_ a: Sample, _ b: Sample) {
        let (n, m) = (a.count, b.count)
        var ranks = [Int32](repeating: 0, count: n + m)
        values = [Double](unsafeUninitializedCapacity: n + m) { values, count in
            ranks.withUnsafeMutableBufferPointer { ranks in
                a.sorted.withUnsafeBufferPointer { a in
                    b.sorted.withUnsafeBufferPointer { b in
                        var (i, j) = (0, 0)
                        while i < n, j < m {
                            let (x, y) = (a[i], b[j])
                            let place = i &+ j
                            values[place] = y < x ? y : x
                            i &+= x <= y ? 1 : 0
                            ranks[place] = Int32(truncatingIfNeeded: i)
                            j = place &+ 1 &- i
                        }
                        for place in i + j..<n + m {
                            values[place] = i < n ? a[i] : b[j]
                            if i < n { i += 1 } else { j += 1 }
                            ranks[place] = Int32(truncatingIfNeeded: i)
                        }
                    }
                }
            }
            count = n + m
        }
        (countA, countB, self.ranks) = (n, m, ranks)
    }

    /// Calls with each different value, as it is where it comes first, and how many of either sample are at most as
    /// large.
    @inline(__always)
    func forEachValue(_ body: (_ value: Double, _ a: Int, _ b: Int) -> Void) {
        values.withUnsafeBufferPointer { values in
            ranks.withUnsafeBufferPointer { ranks in
                var first = 0
                for place in values.indices {
                    let next = place &+ 1
                    if next < values.count, values[next] == values[place] { continue }
                    let rank = Int(ranks[place])
                    body(values[first], rank, next &- rank)
                    first = next
                }
            }
        }
    }
}
