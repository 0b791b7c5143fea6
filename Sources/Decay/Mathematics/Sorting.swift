/// Sorting of doubles for statistics: by radix where there are many, and with the same answer as `sorted()`.
///
/// - Precondition: No value is NaN.
/// - Complexity: O(n) for many, see ``sortByKey(_:_:)``, and O(n log n) for few.
func ascending(_ values: [Double]) -> [Double] {
    guard values.count >= 1024 else {
        var sorted = values
        sortFew(&sorted)
        return sorted
    }
    var keys = values.map(orderKey)
    sortByKey(&keys) { $0 }
    // The sign that was folded in is taken out again.
    return keys.map { Double(bitPattern: $0 ^ (($0 >> 63 &- 1) | 1 << 63)) }
}

/// Sorts doubles by merging halves; without a branch that depends on them, so three times as fast as the library's sort
/// for some dozens.
///
/// - Parameter first: What comes before stays where it is. A slice would do, and Array copies its values to change one.
/// - Precondition: No value is NaN.
/// - Complexity: O(n log n).
func sortFew(_ values: inout [Double], from first: Int = 0) {
    values.withUnsafeMutableBufferPointer { values in
        let count = values.count - first
        guard let start = values.baseAddress, count > 1 else { return }
        withUnsafeTemporaryAllocation(of: Double.self, capacity: count) { other in
            guard let other = other.baseAddress else { return }
            sortHalves(start + first, other, count, isResultInOther: false)
        }
    }
}

/// Sorts `count` doubles at `values`, into `other` if asked.
private func sortHalves(
    _ values: UnsafeMutablePointer<Double>,
    _ other: UnsafeMutablePointer<Double>,
    _ count: Int,
    isResultInOther: Bool
) {
    guard count > 4 else {
        func order(_ a: Int, _ b: Int) {
            let (x, y) = (values[a], values[b])
            (values[a], values[b]) = y < x ? (y, x) : (x, y)
        }
        if count == 2 {
            order(0, 1)
        } else if count == 3 {
            order(0, 1)
            order(1, 2)
            order(0, 1)
        } else if count == 4 {
            order(0, 1)
            order(2, 3)
            order(0, 2)
            order(1, 3)
            order(1, 2)
        }
        if isResultInOther { other.update(from: values, count: count) }
        return
    }
    let half = count / 2
    sortHalves(values, other, half, isResultInOther: !isResultInOther)
    sortHalves(values + half, other + half, count - half, isResultInOther: !isResultInOther)
    let (from, to) = isResultInOther ? (values, other) : (other, values)
    // From both ends at once: neither half can be used up before the ends meet.
    var (low, high, place) = (from, from + half, to)
    var (lowEnd, highEnd, placeEnd) = (from + half - 1, from + count - 1, to + count - 1)
    for _ in 0..<half {
        let takesHigh = high.pointee < low.pointee
        place.pointee = takesHigh ? high.pointee : low.pointee
        high += takesHigh ? 1 : 0
        low += takesHigh ? 0 : 1
        place += 1
        let takesLow = highEnd.pointee < lowEnd.pointee
        placeEnd.pointee = takesLow ? lowEnd.pointee : highEnd.pointee
        lowEnd -= takesLow ? 1 : 0
        highEnd -= takesLow ? 0 : 1
        placeEnd -= 1
    }
    if count % 2 == 1 { place.pointee = low <= lowEnd ? low.pointee : high.pointee }
}

/// The indexes of `values` in ascending order; equal values keep their order.
///
/// - Precondition: No value is NaN.
/// - Complexity: O(n); see ``sortByKey(_:_:)``.
func ascendingOrder(_ values: [Double]) -> [Int] {
    var items = values.enumerated().map { (value: $0.element, index: $0.offset) }
    sortAscending(&items) { $0.value }
    return items.map(\.index)
}

/// Sorts items by a number; those with equal numbers keep their order.
///
/// - Precondition: No number is NaN.
/// - Complexity: O(n); see ``sortByKey(_:_:)``.
func sortAscending<Item>(_ items: inout [Item], by value: (Item) -> Double) {
    // So few are compared faster; the library's sort keeps the order of equal items too.
    guard items.count >= 512 else {
        items.sort { value($0) < value($1) }
        return
    }
    // Adding 0 makes -0 and 0 the same.
    sortByKey(&items) { orderKey(value($0) + 0) }
}

/// The bits of a double as an integer of the same order; -0 comes before 0.
private func orderKey(_ value: Double) -> UInt64 {
    let bits = value.bitPattern
    return bits ^ (UInt64(bitPattern: Int64(bitPattern: bits) >> 63) | 1 << 63)
}

/// Sorts items by keys; those with equal keys keep their order.
///
/// Three digits of eleven bits below the bits that all keys share tell nearly all numbers apart. An insertion sort puts
/// the rest in order, and where that is much work all digits are sorted.
/// - Complexity: O(n): three passes, or six at most.
private func sortByKey<Item>(_ items: inout [Item], _ key: (Item) -> UInt64) {
    guard let first = items.first.map(key) else { return }
    let varying = items.reduce(into: 0) { $0 |= key($1) ^ first }
    let bits = 64 - varying.leadingZeroBitCount
    var other = items
    func sort(from shift: Int) {
        for place in stride(from: shift, to: bits, by: digitBits) {
            sortByDigit(items, into: &other) { Int(truncatingIfNeeded: key($0) >> UInt64(place)) & (digits - 1) }
            swap(&items, &other)
        }
    }
    let shift = max(0, bits - 3 * digitBits)
    sort(from: shift)
    if shift > 0, !insertionSorted(&items, moves: items.count, key) { sort(from: 0) }
}

private let digitBits = 11
private let digits = 1 << digitBits

/// One pass of a radix sort. Pointers are here because checks of each place take half of the time.
private func sortByDigit<Item>(_ items: [Item], into other: inout [Item], _ digit: (Item) -> Int) {
    var places = [Int](repeating: 0, count: digits)
    places.withUnsafeMutableBufferPointer { places in
        for item in items { places[digit(item)] &+= 1 }
        var start = 0
        for place in places.indices { (places[place], start) = (start, start + places[place]) }
        other.withUnsafeMutableBufferPointer { other in
            for item in items {
                let digit = digit(item)
                other[places[digit]] = item
                places[digit] &+= 1
            }
        }
    }
}

/// Sorts what is nearly in order.
/// - Returns: Whether it took no more than so many moves; otherwise not all is in order.
private func insertionSorted<Item>(_ items: inout [Item], moves: Int, _ key: (Item) -> UInt64) -> Bool {
    items.withUnsafeMutableBufferPointer { items in
        var moves = moves
        for place in 1..<items.count where key(items[place]) < key(items[place - 1]) {
            let item = items[place]
            var free = place
            while free > 0, key(item) < key(items[free - 1]) {
                items[free] = items[free - 1]
                free -= 1
            }
            items[free] = item
            moves -= place - free
            guard moves >= 0 else { return false }
        }
        return true
    }
}
