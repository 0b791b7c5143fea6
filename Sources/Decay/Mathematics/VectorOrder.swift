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

    /// Sorts.
    /// - Precondition: No value is NaN.
    static func ascending(_ values: [Double]) -> [Int] {
        var order = Array(values.indices)
        guard values.count > 1 else { return order }
        let depth = 2 * (Int.bitWidth - 1 - values.count.leadingZeroBitCount)
        sort(values, &order, 0, values.count - 1, depth)
        return order
    }

    private static func sort(_ values: [Double], _ order: inout [Int], _ left: Int, _ right: Int, _ depth: Int) {
        if depth <= 0 {
            IntroOrder.sort(values, &order, left..<right + 1)
            return
        }
        if right + 1 - left <= networkMax {
            network(values, &order, left, right)
            return
        }
        let step = (right - left) / lanes
        let pivot = (1...lanes).map { values[order[left + $0 * step]] }.sorted()[lanes / 2]
        var (smallest, biggest) = (Double.infinity, -Double.infinity)
        for index in order[left...right] {
            smallest = min(smallest, values[index])
            biggest = max(biggest, values[index])
        }
        let middle = partition(values, &order, left, right + 1, pivot)
        if pivot != smallest { sort(values, &order, left, middle - 1, depth - 1) }
        if pivot != biggest { sort(values, &order, middle, right, depth - 1) }
    }

    /// Moves what is below the pivot to the left, the rest to the right and back to front.
    private static func partition(
        _ values: [Double],
        _ order: inout [Int],
        _ from: Int,
        _ to: Int,
        _ pivot: Double
    ) -> Int {
        let block = lanes * unrolled
        var (left, right) = (from, to)
        for _ in 0..<(right - left) % block {
            if values[order[left]] < pivot {
                left += 1
            } else {
                right -= 1
                order.swapAt(left, right)
            }
        }
        guard left < right else { return left }
        let first = Array(order[left..<left + block])
        let last = Array(order[right - block..<right])
        // The places for the next store on both sides: the first and the last block are kept out until the end.
        var (low, high) = (left, right)
        left += block
        right -= block
        func store(_ indexes: [Int]) {
            for start in stride(from: 0, to: block, by: lanes) {
                var (below, above) = (low, high)
                for index in indexes[start..<start + lanes] {
                    if values[index] >= pivot {
                        above -= 1
                        order[above] = index
                    } else {
                        order[below] = index
                        below += 1
                    }
                }
                (low, high) = (below, above)
            }
        }
        while left < right {
            let indexes: [Int]
            if high - right < left - low {
                right -= block
                indexes = Array(order[right..<right + block])
            } else {
                indexes = Array(order[left..<left + block])
                left += block
            }
            store(indexes)
        }
        store(first)
        store(last)
        return low
    }

    private static func network(_ values: [Double], _ order: inout [Int], _ left: Int, _ right: Int) {
        let count = right + 1 - left
        var size = lanes
        while size < count { size *= 2 }
        var items = (0..<size).map { place in
            place < count ? (key: values[order[left + place]], index: order[left + place]) : (.infinity, -1)
        }
        func exchange(_ low: Int, _ high: Int) {
            if items[high].key < items[low].key { items.swapAt(low, high) }
        }
        func exchange(_ vector: Int, _ pairs: [(Int, Int)]) {
            for (low, high) in pairs { exchange(lanes * vector + low, lanes * vector + high) }
        }
        let vectors = size / lanes
        for vector in 0..<vectors {
            exchange(vector, [(0, 1), (2, 3), (0, 3), (1, 2), (0, 1), (2, 3)])
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
                for vector in base..<base + merged { exchange(vector, [(0, 2), (1, 3), (0, 1), (2, 3)]) }
            }
            merged *= 2
        }
        for place in 0..<count { order[left + place] = items[place].index }
    }
}

/// `std::sort` of the GNU C++ library over indexes, exchange by exchange.
private enum IntroOrder {
    /// Parts up to this size are left to the insertion sort at the end.
    private static let partMax = 16

    static func sort(_ values: [Double], _ order: inout [Int], _ range: Range<Int>) {
        let depth = 2 * (Int.bitWidth - 1 - range.count.leadingZeroBitCount)
        split(values, &order, range.lowerBound, range.upperBound, depth)
        for place in range.dropFirst() {
            let index = order[place]
            let isFirst = place < range.lowerBound + partMax && values[index] < values[order[range.lowerBound]]
            var free = place
            while free > range.lowerBound, isFirst || values[index] < values[order[free - 1]] {
                order[free] = order[free - 1]
                free -= 1
            }
            order[free] = index
        }
    }

    private static func split(_ values: [Double], _ order: inout [Int], _ first: Int, _ last: Int, _ depth: Int) {
        var (last, depth) = (last, depth)
        while last - first > partMax {
            if depth == 0 {
                // The library makes a heap here, which takes an order made against it.
                order[first..<last].sort { (values[$0], $0) < (values[$1], $1) }
                return
            }
            depth -= 1
            let cut = partition(values, &order, first, last)
            split(values, &order, cut, last, depth)
            last = cut
        }
    }

    /// Around the median of the second, the middle and the last, which goes to the first place.
    private static func partition(_ values: [Double], _ order: inout [Int], _ first: Int, _ last: Int) -> Int {
        func isLess(_ a: Int, _ b: Int) -> Bool { values[order[a]] < values[order[b]] }
        let (a, b, c) = (first + 1, first + (last - first) / 2, last - 1)
        let median =
            isLess(a, b) ? (isLess(b, c) ? b : isLess(a, c) ? c : a) : (isLess(a, c) ? a : isLess(b, c) ? c : b)
        order.swapAt(first, median)
        var (low, high) = (first + 1, last)
        while true {
            while isLess(low, first) { low += 1 }
            high -= 1
            while isLess(first, high) { high -= 1 }
            guard low < high else { return low }
            order.swapAt(low, high)
            low += 1
        }
    }
}
