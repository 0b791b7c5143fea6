/// What is wrong with a cell or a run of cells.
public enum QualityIssue: String, Codable, Sendable, Hashable, CaseIterable {
    /// Text where numbers are expected.
    case wrongType
    /// A number that the schema does not permit.
    case notAllowed
    /// More missing cells than the reference had, beyond chance.
    case missing
    /// A number outside of what the reference held.
    case outOfRange
    /// A word that the reference did not hold.
    case unseenCategory
    /// A number far from the middle.
    case outlier
    /// A change from the number before that is far larger than usual.
    case jump
    /// A column that was constant in the reference has another value.
    case constantVaries
    /// One value again and again in a column that used to vary.
    case stale
    /// More rows that were there before than in the reference.
    case duplicate

    /// How bad it is by itself.
    public var severity: QualitySeverity {
        switch self {
        case .wrongType, .notAllowed: .critical
        case .missing, .unseenCategory, .outlier, .jump, .constantVaries, .stale, .duplicate: .warning
        case .outOfRange: .note
        }
    }
}

/// How bad a finding is.
public enum QualitySeverity: Int, Codable, Sendable, Hashable, CaseIterable, Comparable {
    /// Worth knowing.
    case note
    /// Worth a look.
    case warning
    /// The value cannot be.
    case critical

    /// By how bad it is.
    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// One thing that is wrong with one cell.
public struct QualityFinding: Codable, Sendable, Hashable {
    /// Name of the column; empty for a whole row.
    public var column: String
    /// What is wrong.
    public var issue: QualityIssue
    /// The cell.
    public var value: CellValue
    /// How far it is, where that is a number: robust deviations, a length, a share.
    public var amount: Double?
}

/// Checks the cells of one column as they come.
///
/// A state machine without a clock: encode it to keep it over a restart, and it finds the same. It never changes what
/// is expected, so a bad value cannot make the next one look good.
public struct QualityWatch: Codable, Sendable, Hashable {
    /// What is expected.
    public let expectation: ColumnExpectation
    /// Cells so far.
    public private(set) var rows = 0

    private var previous: Double?
    private var run = 0
    private var runValue: CellValue?
    private var hasVaried = false
    private var missing = 0
    private var filled = 0

    /// Missing cells are judged over so many.
    static let window = 256
    /// The probability of a false finding of missing cells, a window.
    static let missingAlpha = 1e-6
    /// Runs up to this length are never stale.
    static let runMin = 30
    /// A reference of fewer cells does not say that a column is constant.
    static let constantRowsMin = 100

    /// Begins without cells.
    public init(_ expectation: ColumnExpectation) { self.expectation = expectation }

    /// Looks at the next cell. An infinity is no number.
    /// - Returns: What is wrong with it; mostly nothing.
    public mutating func add(_ cell: CellValue) -> [QualityFinding] {
        let value = Self.finite(cell)
        rows += 1
        var findings: [QualityFinding] = []
        let column = expectation.name
        func find(_ issue: QualityIssue, _ amount: Double?) {
            findings.append(QualityFinding(column: column, issue: issue, value: value, amount: amount))
        }
        filled += 1
        if isMissing(value) { missing += 1 }
        if filled == Self.window {
            let expected = expectation.missingShare + 1 / Double(max(1, expectation.rows))
            if Distributions.binomialTail(missing - 1, filled, min(1, expected)) < Self.missingAlpha, missing > 0 {
                find(.missing, Double(missing) / Double(filled))
            }
            (missing, filled) = (0, 0)
        }
        guard !isMissing(value) else { return findings }
        // Names and sentences are not compared with those of before.
        if expectation.kind != .text, let length = countRun(value) { find(.stale, Double(length)) }
        if let constant = expectation.constant, expectation.rows >= Self.constantRowsMin {
            if value != constant, !hasVaried {
                hasVaried = true
                find(.constantVaries, nil)
            }
        }
        switch (expectation.kind, value) {
        case (.numeric, .number(let number)): check(number, find)
        case (.numeric, _): find(.wrongType, nil)
        case (.categorical, _):
            if expectation.constant == nil, let words = expectation.categories, !words.contains(Self.word(value)) {
                find(.unseenCategory, nil)
            }
        case (.text, _): break
        }
        return findings
    }

    private mutating func check(_ number: Double, _ find: (QualityIssue, Double?) -> Void) {
        if let allowed = expectation.allowed, !allowed.contains(number) { find(.notAllowed, nil) }
        if expectation.constant == nil {
            if let seen = expectation.seen, !seen.contains(number) { find(.outOfRange, nil) }
            if let level = expectation.level, let z = level.z(number), abs(z) > level.limit { find(.outlier, z) }
            if let previous, let change = expectation.change, let z = change.z(number - previous), abs(z) > change.limit
            {
                find(.jump, z)
            }
        }
        previous = number
    }

    /// The length of a run that has just become too long.
    private mutating func countRun(_ value: CellValue) -> Int? {
        if value == runValue {
            run += 1
        } else {
            (run, runValue) = (1, value)
        }
        guard expectation.constant == nil, expectation.longestRun > 0 else { return nil }
        return run == max(Self.runMin, 4 * expectation.longestRun) + 1 ? run : nil
    }

    private static func finite(_ value: CellValue) -> CellValue {
        guard case .number(let number) = value, number.isInfinite else { return value }
        return .text(number > 0 ? "infinity" : "-infinity")
    }

    private func isMissing(_ value: CellValue) -> Bool {
        switch value {
        case .missing: true
        case .number(let number): number.isNaN
        case .text: false
        }
    }

    static func word(_ value: CellValue) -> String {
        switch value {
        case .missing: ""
        case .number(let number): number == number.rounded() && abs(number) < 1e15 ? "\(Int(number))" : "\(number)"
        case .text(let text): text
        }
    }
}
