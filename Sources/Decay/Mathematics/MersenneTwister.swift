/// The generator behind NumPy's `RandomState`, for splits that have to be drawn as scikit-learn draws them.
///
/// - Source: M. Matsumoto and T. Nishimura, Mersenne Twister (1998), 32 bits.
struct MersenneTwister {
    private static let count = 624
    private static let middle = 397

    private var state: [UInt32] = []
    private var place = MersenneTwister.count

    init(seed: UInt32) {
        var value = seed
        for index in 0..<UInt32(Self.count) {
            state.append(value)
            value = 1_812_433_253 &* (value ^ value >> 30) &+ index &+ 1
        }
    }

    mutating func next() -> UInt32 {
        if place == Self.count { twist() }
        var y = state[place]
        place += 1
        y ^= y >> 11
        y ^= y << 7 & 0x9D2C_5680
        y ^= y << 15 & 0xEFC6_0000
        return y ^ y >> 18
    }

    private mutating func twist() {
        for index in 0..<Self.count {
            let y = state[index] & 0x8000_0000 | state[(index + 1) % Self.count] & 0x7FFF_FFFF
            state[index] = state[(index + Self.middle) % Self.count] ^ y >> 1 ^ (y & 1 == 0 ? 0 : 0x9908_B0DF)
        }
        place = 0
    }

    /// A whole number of `0...limit`, by refusing what is too large.
    private mutating func number(upTo limit: Int) -> Int {
        guard limit > 0 else { return 0 }
        let mask = UInt32.max >> UInt32(UInt32(limit).leadingZeroBitCount)
        while true {
            let value = Int(next() & mask)
            if value <= limit { return value }
        }
    }

    /// `permutation` of NumPy.
    mutating func permuted(_ values: [Int]) -> [Int] {
        var values = values
        for index in stride(from: values.count - 1, to: 0, by: -1) {
            values.swapAt(index, number(upTo: index))
        }
        return values
    }

    /// Draws as much as a permutation of so many does, for one that nobody looks at.
    mutating func skipPermutation(of count: Int) {
        for index in stride(from: count - 1, to: 0, by: -1) { _ = number(upTo: index) }
    }
}

/// Splits of labelled rows in which both parts have as many of each label as there are: scikit-learn's
/// `StratifiedShuffleSplit`, row for row.
struct StratifiedSplits {
    /// Rows of each class, ascending.
    private let classes: [[Int]]
    private let trainCount: Int
    private let testCount: Int
    private var generator: MersenneTwister

    /// Nil where a class has fewer than two rows or a part has no place for each class.
    init?(_ labels: [Bool], testShare: Double, seed: UInt32) {
        classes = [false, true].map { label in labels.indices.filter { labels[$0] == label } }
        testCount = Int((testShare * Double(labels.count)).rounded(.up))
        trainCount = labels.count - testCount
        guard classes.allSatisfy({ $0.count >= 2 }), trainCount >= 2, testCount >= 2 else { return nil }
        generator = MersenneTwister(seed: seed)
    }

    /// The next split; only the rows of the second part are in scikit-learn's order.
    mutating func next() -> (train: [Int], test: [Int]) {
        let counts = classes.map(\.count)
        let train = shares(of: counts, drawing: trainCount)
        let test = shares(of: zip(counts, train).map { $0 - $1 }, drawing: testCount)
        var (trainRows, testRows): ([Int], [Int]) = ([], [])
        for (index, rows) in classes.enumerated() {
            let order = generator.permuted(Array(rows.indices))
            trainRows += order.prefix(train[index]).map { rows[$0] }
            testRows += order.dropFirst(train[index]).prefix(test[index]).map { rows[$0] }
        }
        generator.skipPermutation(of: trainRows.count)
        return (trainRows, generator.permuted(testRows))
    }

    /// Rows to draw of each class: the whole part of its share, and the rest to those that lack most.
    private mutating func shares(of counts: [Int], drawing all: Int) -> [Int] {
        let total = Double(counts.reduce(0, +))
        let exact = counts.map { Double($0) / total * Double(all) }
        var shares = exact.map { Int($0.rounded(.down)) }
        let rests = exact.map { $0 - $0.rounded(.down) }
        var missing = all - shares.reduce(0, +)
        for rest in Set(rests).sorted(by: >) where missing > 0 {
            let candidates = rests.indices.filter { rests[$0] == rest }
            let chosen = generator.permuted(candidates).prefix(missing)
            for index in chosen { shares[index] += 1 }
            missing -= chosen.count
        }
        return shares
    }
}
