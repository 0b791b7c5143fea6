/// What is known of a table after one pass over its rows, in bounded memory.
public struct TableProfile: Sendable {
    /// How much is kept.
    public struct Settings: Sendable, Hashable {
        /// Numbers of a column that are kept as they are; beyond, a sketch.
        public var exactMax = 100_000
        /// Rows that are kept, drawn evenly, to compare columns together.
        public var sampleMax = 2_000
        /// Hashes of rows that are kept to count repeated rows exactly.
        public var hashesMax = 1 << 20

        /// The defaults.
        public init() {}
    }

    /// A kind of finding in a column: how often, the worst and where it was first.
    public struct Tally: Codable, Sendable, Hashable {
        /// Name of the column.
        public var column: String
        /// What is wrong.
        public var issue: QualityIssue
        /// Cells.
        public var count: Int
        /// Row of the first one, from 0.
        public var firstRow: Int
        /// Row of the worst one.
        public var worstRow: Int
        /// The worst one: that with the largest amount, or the first.
        public var worst: QualityFinding
    }

    /// What is known of each column.
    public private(set) var columns: [ColumnProfile]
    /// Rows so far.
    public private(set) var rows = 0
    /// What the checks found, when there were expectations.
    public var tallies: [Tally] { columns.indices.flatMap { found[$0].values }.sorted { $0.firstRow < $1.firstRow } }
    /// Some of the rows, each as likely as any other. Words of a list are numbers that stand for them; missing cells and
    /// all other text are NaN.
    public private(set) var sample: [[Double]] = []

    private let settings: Settings
    private var watches: [QualityWatch?]
    private var found: [[QualityIssue: Tally]]
    private var hashes: Set<UInt64> = []
    private var repeated = 0
    private var manyRows: DistinctSketch?
    private var generator = CounterGenerator(seed: 20)

    /// Begins without rows.
    /// - Parameter expectations: What cells are checked against, by column; nil for a column without.
    /// - Precondition: There are as many expectations as columns, or none.
    public init(
        columns: [(name: String, kind: ColumnKind)],
        expectations: [ColumnExpectation?] = [],
        settings: Settings = Settings()
    ) {
        precondition(expectations.isEmpty || expectations.count == columns.count, "expectations differ from columns")
        self.settings = settings
        self.columns = columns.map { ColumnProfile(name: $0.name, kind: $0.kind, exactMax: settings.exactMax) }
        watches =
            expectations.isEmpty
            ? columns.map { _ in nil } : expectations.map { $0.map { QualityWatch($0) } }
        found = columns.map { _ in [:] }
    }

    /// Adds the next row.
    /// - Precondition: It has as many cells as there are columns.
    public mutating func add(_ row: [CellValue]) { add(contentsOf: [row]) }

    /// Adds the next rows; some hundreds at once are taken faster.
    /// - Precondition: Each has as many cells as there are columns.
    public mutating func add(contentsOf block: [[CellValue]]) {
        for row in block {
            precondition(row.count == columns.count, "a row has \(row.count) cells and not \(columns.count)")
        }
        for index in columns.indices { columns[index].add(contentsOf: block.map { $0[index] }) }
        for row in block {
            for index in row.indices where watches[index] != nil {
                for finding in watches[index]?.add(row[index]) ?? [] { note(finding, index) }
            }
            countRepeats(row)
            keep(row)
            rows += 1
        }
    }

    private mutating func note(_ finding: QualityFinding, _ index: Int) {
        guard var tally = found[index][finding.issue] else {
            found[index][finding.issue] = Tally(
                column: finding.column,
                issue: finding.issue,
                count: 1,
                firstRow: rows,
                worstRow: rows,
                worst: finding
            )
            return
        }
        tally.count += 1
        if abs(finding.amount ?? 0) > abs(tally.worst.amount ?? 0) { (tally.worst, tally.worstRow) = (finding, rows) }
        found[index][finding.issue] = tally
    }

    private mutating func countRepeats(_ row: [CellValue]) {
        var hash: UInt64 = 0
        for value in row {
            let own: UInt64
            switch value {
            case .missing: own = 1
            case .number(let number): own = StableHash.hash(number)
            case .text(let text): own = StableHash.hash(text)
            }
            hash = StableHash.mixed(hash &* 31 &+ own)
        }
        if manyRows != nil {
            manyRows?.add(hash: hash)
        } else if hashes.count >= settings.hashesMax {
            var sketch = DistinctSketch(precision: 14)
            for hash in hashes { sketch.add(hash: hash) }
            sketch.add(hash: hash)
            manyRows = sketch
            hashes = []
        } else if !hashes.insert(hash).inserted {
            repeated += 1
        }
    }

    /// Share of rows that were there before; of very many rows an estimate to about one percent.
    public var repeatedShare: Double {
        guard rows > 0 else { return 0 }
        guard let manyRows else { return Double(repeated) / Double(rows) }
        let share = 1 - manyRows.estimate / Double(rows)
        return share > 3 * manyRows.standardError ? share : 0
    }

    private mutating func keep(_ row: [CellValue]) {
        let place: Int
        if sample.count < settings.sampleMax {
            place = sample.count
            sample.append([])
        } else {
            place = Int.random(in: 0...rows, using: &generator)
            guard place < settings.sampleMax else { return }
        }
        sample[place] = row.indices.map { index in
            switch row[index] {
            case .number(let number): number
            // A word is a place among numbers like any other, as long as it is the same each time.
            case .text(let word) where columns[index].kind == .categorical: Double(StableHash.hash(word) >> 40)
            case .text, .missing: .nan
            }
        }
    }
}
