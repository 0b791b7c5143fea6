/// Sums over the newest values for windows of growing length, in memory that is fixed.
///
/// Row r has up to three buckets of 2^r values; when a fourth comes, the two oldest become one of the next row. What
/// leaves the last row is forgotten here; whoever keeps totals has it. Lane r of each vector is of row r: vectors are
/// storage inside of the value, which an array is not.
struct SuffixSums<Sum: SIMDScalar & AdditiveArithmetic & Sendable>: Codable, Sendable, Hashable
where Sum.SIMD16Storage: Sendable {
    static var rows: Int { 13 }

    private var counts = SIMD16<UInt8>(repeating: 0)
    private var newest = SIMD16<Sum>()
    private var middle = SIMD16<Sum>()
    private var oldest = SIMD16<Sum>()

    private enum CodingKeys: String, CodingKey {
        case counts, newest, middle, oldest
    }

    init() {}

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        counts = try container.decode(SIMD16<UInt8>.self, forKey: .counts)
        newest = try container.decode(SIMD16<Sum>.self, forKey: .newest)
        middle = try container.decode(SIMD16<Sum>.self, forKey: .middle)
        oldest = try container.decode(SIMD16<Sum>.self, forKey: .oldest)
        guard counts.max() <= 3 else {
            throw DecodingError.dataCorruptedError(forKey: .counts, in: container, debugDescription: "over 3 in a row")
        }
    }

    @inline(__always)
    mutating func add(_ value: Sum) {
        if let carry = push(value, row: 0) { climb(carry) }
    }

    private mutating func climb(_ carry: Sum) {
        var (carry, row) = (carry, 1)
        while row < Self.rows, let next = push(carry, row: row) { (carry, row) = (next, row + 1) }
    }

    /// Gives the sum of the two oldest where there is no room for them.
    @inline(__always)
    private mutating func push(_ value: Sum, row: Int) -> Sum? {
        let moved = middle[row] + oldest[row]
        let isFull = counts[row] == 3
        if !isFull { oldest[row] = middle[row] }
        middle[row] = newest[row]
        newest[row] = value
        counts[row] = isFull ? 2 : counts[row] + 1
        return isFull ? moved : nil
    }

    /// Calls `look` with the length and the sum of each suffix, the shortest first.
    @inline(__always)
    func forEachSuffix(_ look: (Int, Double) -> Void, _ number: (Sum) -> Double) {
        var length = 0
        var sum = 0.0
        for row in 0..<Self.rows where counts[row] > 0 {
            length += 1 << row
            sum += number(newest[row])
            look(length, sum)
            guard counts[row] > 1 else { continue }
            length += 1 << row
            sum += number(middle[row])
            look(length, sum)
            guard counts[row] > 2 else { continue }
            length += 1 << row
            sum += number(oldest[row])
            look(length, sum)
        }
    }
}
