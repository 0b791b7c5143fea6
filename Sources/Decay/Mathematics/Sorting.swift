/// Sorting of doubles for statistics: by radix where that is faster, and with the same answer as `sorted()`.
///
/// - Precondition: No value is NaN.
/// - Complexity: O(n): six passes over eleven bits each; passes whose digit never changes are left out.
func ascending(_ values: [Double]) -> [Double] {
    guard values.count >= 1024 else { return values.sorted() }
    // A double's bits order like an integer's once the sign is folded in.
    var keys = values.map { value -> UInt64 in
        let bits = value.bitPattern
        return bits & (1 << 63) == 0 ? bits | (1 << 63) : ~bits
    }
    var other = [UInt64](repeating: 0, count: keys.count)
    let digits = 2048
    var counts = [Int](repeating: 0, count: 6 * digits)
    for key in keys {
        for pass in 0..<6 {
            counts[pass &* digits &+ Int(truncatingIfNeeded: (key >> UInt64(pass &* 11)) & 2047)] &+= 1
        }
    }
    for pass in 0..<6 {
        let shift = UInt64(pass * 11)
        var start = 0
        var isSame = false
        for digit in 0..<digits {
            let count = counts[pass * digits + digit]
            if count == keys.count { isSame = true }
            counts[pass * digits + digit] = start
            start += count
        }
        if isSame { continue }
        for key in keys {
            let place = pass &* digits &+ Int(truncatingIfNeeded: (key >> shift) & 2047)
            other[counts[place]] = key
            counts[place] &+= 1
        }
        swap(&keys, &other)
    }
    return keys.map { key in Double(bitPattern: key & (1 << 63) == 0 ? ~key : key & ~(1 << 63)) }
}

/// The indexes of `values` in ascending order; equal values keep their order.
func ascendingOrder(_ values: [Double]) -> [Int] {
    values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
}
