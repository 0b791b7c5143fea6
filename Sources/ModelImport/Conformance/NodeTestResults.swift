public import FoundationEssentials

/// What ONNX's own tests of the supported operators gave.
public struct NodeTestResults: Sendable {
    /// The tests of one operator.
    public struct Row: Sendable {
        /// The operator, or several that one model has.
        public var name: String
        /// The versions of the operators in the models.
        public var opsets: Set<Int> = []
        /// Tests with the answers of the standard.
        public var passed = 0
        /// Tests with other answers.
        public var failed = 0
        /// Models that were refused.
        public var notSupported = 0
    }

    /// Why a test did not pass.
    public struct Reason: Sendable {
        /// The name of the test.
        public var test: String
        /// What was wrong or is not supported.
        public var text: String
    }

    /// One for each operator, by name.
    public private(set) var rows: [Row] = []
    /// One for each test that did not pass, by name.
    public private(set) var reasons: [Reason] = []
    /// Tests that are wrong themselves, among those that failed.
    public private(set) var errata = 0
    /// Tests whose answers are wrong for no known reason.
    public private(set) var unexplained: [String] = []
    /// Tests of operators that are not imported.
    public private(set) var others = 0

    /// Tests with the answers of the standard.
    public var passed: Int { rows.reduce(0) { $0 + $1.passed } }
    /// Tests with other answers.
    public var failed: Int { rows.reduce(0) { $0 + $1.failed } }
    /// Models of supported operators that were refused.
    public var notSupported: Int { rows.reduce(0) { $0 + $1.notSupported } }

    /// One line with the counts.
    public var summary: String {
        func percent(_ share: Double) -> Double { (share * 1000).rounded() / 10 }
        let right = Double(passed) / Double(max(all - errata, 1))
        return
            "\(passed) of \(all) tests of supported operators passed, \(percent(share)) %; \(failed) failed "
            + "(\(errata) of them tests that are wrong themselves: \(percent(right)) % of the others passed), "
            + "\(notSupported) are not supported; \(others) tests of other operators were left out"
    }

    private var all: Int { passed + failed + notSupported }

    /// How many of the tests of supported operators passed, in 0...1.
    public var share: Double { Double(passed) / Double(max(all, 1)) }

    /// Runs all tests of a folder, by name.
    ///
    /// - Parameter only: Only tests whose models have this operator.
    /// - Throws: ``ImportError/notAModel(reason:)`` when the folder cannot be listed or holds no test.
    public init(folder: URL, only: String? = nil) throws(ImportError) {
        let names: [String]
        do { names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() } catch {
            throw .notAModel(reason: "\(folder.path) cannot be listed")
        }
        var rows: [String: Row] = [:]
        for name in names where name.hasPrefix("test_") {
            let test = try NodeTest(folder: folder.appendingPathComponent(name))
            guard test.isOfSupportedOperators else {
                others += 1
                continue
            }
            guard only == nil || test.operators.contains(only ?? "") else { continue }
            let key = test.operators.joined(separator: ", ")
            var row = rows[key] ?? Row(name: key)
            row.opsets.insert(test.opset)
            switch test.run() {
            case .passed: row.passed += 1
            case .failed(let text):
                row.failed += 1
                let known = test.erratum.map { "\($0): \(text)" }
                if known == nil { unexplained.append(test.name) } else { errata += 1 }
                reasons.append(Reason(test: test.name, text: known ?? "wrong: \(text)"))
            case .notSupported(let text):
                row.notSupported += 1
                reasons.append(Reason(test: test.name, text: text))
            }
            rows[key] = row
        }
        self.rows = rows.values.sorted { $0.name < $1.name }
        guard !rows.isEmpty || others > 0 else { throw .notAModel(reason: "there is no test in it") }
    }
}
