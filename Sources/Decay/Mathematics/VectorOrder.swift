/// The indexes of values in ascending order, with equal values where NumPy's vectorized sort leaves them.
///
/// NannyML takes the standard error of an area under the curve, and its calibration error, over that order. The sort is
/// not stable, so tied scores change the figure in its third digit: who wants to have the peer's numbers has to sort as
/// it does. NumPy 2 with AVX2 is a quicksort over indexes, four at a time; parts of up to 256 are sorted by a bitonic
/// network of vectors of four, and parts that do not get smaller by the C++ library. What follows makes the same
/// exchanges one by one. With AVX-512 or without vectors NumPy leaves ties elsewhere.
/// - Source: the algorithm of intel/x86-simd-sort, `argsort` for 64 bits under AVX2.
enum VectorOrder {
    /// Elements of a vector.
    private static let lanes = 4
    /// Vectors that are partitioned together.
    private static let unrolled = 4
    /// Parts up to this size are sorted by the network.
    private static let networkMax = 256

    /// A value and where it was; both move together, so that each step reads what lies side by side.
    fileprivate struct Item {
        var key: Double
        var index: Int
    }

    fileprivate typealias Items = UnsafeMutableBufferPointer<Item>

    /// Sorts.
    /// - Precondition: No value is NaN.
    static func ascending(_ values: [Double]) -> [Int] {
        var items = values.enumerated().map { Item(key: $0.element, index: $0.offset) }
        let depth = 2 * (Int.bitWidth - 1 - max(1, values.count).leadingZeroBitCount)
        items.withUnsafeMutableBufferPointer { if $0.count > 1 { sort($0, 0, $0.count - 1, depth) } }
        return items.map(\.index)
    }

    private static func sort(_ items: Items, _ left: Int, _ right: Int, _ depth: Int) {
        if depth <= 0 {
            IntroOrder.sort(items, left..<right + 1)
            return
        }
        if right + 1 - left <= networkMax {
            network(items, left, right)
            return
        }
        let step = (right - left) / lanes
        let pivot = (1...lanes).map { items[left + $0 * step].key }.sorted()[lanes / 2]
        var (smallest, biggest) = (Double.infinity, -Double.infinity)
        for place in left...right {
            let key = items[place].key
            smallest = key < smallest ? key : smallest
            biggest = key > biggest ? key : biggest
        }
        let middle = partition(items, left, right + 1, pivot)
        if pivot != smallest { sort(items, left, middle - 1, depth - 1) }
        if pivot != biggest { sort(items, middle, right, depth - 1) }
    }

    /// Moves what is below the pivot to the left, the rest to the right and back to front.
    private static func partition(_ items: Items, _ from: Int, _ to: Int, _ pivot: Double) -> Int {
        let block = lanes * unrolled
        var (left, right) = (from, to)
        for _ in 0..<(right - left) % block {
            if items[left].key < pivot {
                left += 1
            } else {
                right -= 1
                items.swapAt(left, right)
            }
        }
        guard left < right else { return left }
        return withUnsafeTemporaryAllocation(of: Item.self, capacity: 3 * block) { kept in
            // The first and the last block are kept out until the end; the third place is for the one at hand.
            func keep(_ start: Int, at place: Int) {
                for offset in 0..<block { kept[place * block + offset] = items[start + offset] }
            }
            keep(left, at: 0)
            keep(right - block, at: 1)
            // The places for the next store on both sides.
            var (low, high) = (left, right)
            left += block
            right -= block
            func store(_ place: Int) {
                for start in stride(from: place * block, to: (place + 1) * block, by: lanes) {
                    var (below, above) = (low, high)
                    for item in kept[start..<start + lanes] {
                        if item.key >= pivot {
                            above -= 1
                            items[above] = item
                        } else {
                            items[below] = item
                            below += 1
                        }
                    }
                    (low, high) = (below, above)
                }
            }
            while left < right {
                if high - right < left - low {
                    right -= block
                    keep(right, at: 2)
                } else {
                    keep(left, at: 2)
                    left += block
                }
                store(2)
            }
            store(0)
            store(1)
            return low
        }
    }

    private static func network(_ all: Items, _ left: Int, _ right: Int) {
        let count = right + 1 - left
        var size = lanes
        while size < count { size *= 2 }
        withUnsafeTemporaryAllocation(of: Item.self, capacity: size) { items in
            for place in 0..<size {
                items[place] = place < count ? all[left + place] : Item(key: .infinity, index: -1)
            }
            exchange(items, vectors: size / lanes)
            for place in 0..<count { all[left + place] = items[place] }
        }
    }

    private static func exchange(_ items: Items, vectors: Int) {
        func exchange(_ low: Int, _ high: Int) {
            let (a, b) = (items[low], items[high])
            let isWrong = b.key < a.key
            items[low] = isWrong ? b : a
            items[high] = isWrong ? a : b
        }
        for vector in 0..<vectors {
            let start = lanes * vector
            exchange(start, start + 1)
            exchange(start + 2, start + 3)
            exchange(start, start + 3)
            exchange(start + 1, start + 2)
            exchange(start, start + 1)
            exchange(start + 2, start + 3)
        }
        var merged = 2
        while merged <= vectors {
            for base in stride(from: 0, to: vectors, by: merged) {
                for i in 0..<merged / 2 {
                    for lane in 0..<lanes {
                        exchange(lanes * (base + i) + lane, lanes * (base + merged - 1 - i) + lanes - 1 - lane)
                    }
                }
                var part = merged / 2
                while part >= 2 {
                    for start in stride(from: base, to: base + merged, by: part) {
                        for i in 0..<part / 2 {
                            for lane in 0..<lanes {
                                exchange(lanes * (start + i) + lane, lanes * (start + i + part / 2) + lane)
                            }
                        }
                    }
                    part /= 2
                }
                for start in stride(from: lanes * base, to: lanes * (base + merged), by: lanes) {
                    exchange(start, start + 2)
                    exchange(start + 1, start + 3)
                    exchange(start, start + 1)
                    exchange(start + 2, start + 3)
                }
            }
            merged *= 2
        }
    }
}

/// `std::sort` of the GNU C++ library over indexes, exchange by exchange.
private enum IntroOrder {
    /// Parts up to this size are left to the insertion sort at the end.
    private static let partMax = 16

    static func sort(_ items: VectorOrder.Items, _ range: Range<Int>) {
        let depth = 2 * (Int.bitWidth - 1 - range.count.leadingZeroBitCount)
        split(items, range.lowerBound, range.upperBound, depth)
        for place in range.dropFirst() {
            let item = items[place]
            let isFirst = place < range.lowerBound + partMax && item.key < items[range.lowerBound].key
            var free = place
            while free > range.lowerBound, isFirst || item.key < items[free - 1].key {
                items[free] = items[free - 1]
                free -= 1
            }
            items[free] = item
        }
    }

    private static func split(_ items: VectorOrder.Items, _ first: Int, _ last: Int, _ depth: Int) {
        var (last, depth) = (last, depth)
        while last - first > partMax {
            if depth == 0 {
                // The library makes a heap here, which takes an order made against it.
                let part = items[first..<last].sorted { ($0.key, $0.index) < ($1.key, $1.index) }
                for (place, item) in part.enumerated() { items[first + place] = item }
                return
            }
            depth -= 1
            let cut = partition(items, first, last)
            split(items, cut, last, depth)
            last = cut
        }
    }

    /// Around the median of the second, the middle and the last, which goes to the first place.
    private static func partition(_ items: VectorOrder.Items, _ first: Int, _ last: Int) -> Int {
        func isLess(_ a: Int, _ b: Int) -> Bool { items[a].key < items[b].key }
        let (a, b, c) = (first + 1, first + (last - first) / 2, last - 1)
        let median =
            isLess(a, b) ? (isLess(b, c) ? b : isLess(a, c) ? c : a) : (isLess(a, c) ? a : isLess(b, c) ? c : b)
        items.swapAt(first, median)
        var (low, high) = (first + 1, last)
        while true {
            while isLess(low, first) { low += 1 }
            high -= 1
            while isLess(first, high) { high -= 1 }
            guard low < high else { return low }
            items.swapAt(low, high)
            low += 1
        }
    }
}
