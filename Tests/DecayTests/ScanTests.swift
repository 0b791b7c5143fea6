import ArgumentParser
import Decay
import Foundation
import Testing

@testable import HexloopApp

@Suite(.timeLimit(.minutes(1)))
struct CSVParserTests {
    private static func rows(
        _ bytes: [UInt8],
        separator: UInt8 = UInt8(ascii: ","),
        cut: Int? = nil
    ) throws -> [[String]] {
        var parser = CSVParser(separator: separator)
        var rows: [[String]] = []
        func take(_ row: CSVParser.Row) { rows.append((0..<row.count).map { row.text($0) }) }
        for part in cut.map({ [bytes[..<$0], bytes[$0...]] }) ?? [bytes[...]] {
            try Array(part).withUnsafeBufferPointer { try parser.add($0, take: take) }
        }
        try parser.finish(take: take)
        return rows
    }

    @Test("Quotes, line ends of three kinds, a mark and empty lines, cut at any byte")
    func forms() throws {
        let text = "\u{FEFF}a,\"b, c\",\"say \"\"no\"\"\"\r\n1,\"two\nlines\",\r\n\r\n2,x y,\"\"\r3,\"\",z"
        let expected = [
            ["a", "b, c", "say \"no\""], ["1", "two\nlines", ""], ["2", "x y", ""], ["3", "", "z"],
        ]
        let bytes = Array(text.utf8)
        for cut in 0...bytes.count { #expect(try Self.rows(bytes, cut: cut) == expected, "cut at \(cut)") }
    }

    @Test("The separator is found in the first line, and not within quotes")
    func separators() {
        #expect(CSVParser.separator(of: Array("a;b;c\n1,2;3,4;5\n".utf8)[...]) == UInt8(ascii: ";"))
        #expect(CSVParser.separator(of: Array("\"a;b;c\",d\n".utf8)[...]) == UInt8(ascii: ","))
        #expect(CSVParser.separator(of: Array("a\tb\n".utf8)[...]) == UInt8(ascii: "\t"))
        #expect(CSVParser.separator(of: Array("single\n".utf8)[...]) == UInt8(ascii: ","))
    }

    @Test("A quote that is not closed is refused with its line")
    func openQuote() {
        let error = #expect(throws: CommandError.self) { try Self.rows(Array("a,b\n1,\"2\n3,4\n".utf8)) }
        #expect(error?.description.contains("line 2") == true)
    }

    @Test("Numbers are those of the library; words and codes are none")
    func numbers() {
        func number(_ text: String) -> Double? { CSVField.number(Array(text.utf8)[...]) }
        for text in [
            "0", "-0.5", "+3", " 12 ", "1e6", "1.7976931348623157e308", "0.1234567890123456789", "-1E-7", "inf",
        ] {
            let trimmed = text.filter { $0 != " " }
            #expect(number(text) == Double(trimmed), "\(text)")
        }
        for text in ["", "a", "1,5", "0x10", "1.2.3", "--1", "nan?", "12a"] { #expect(number(text) == nil, "\(text)") }
        for text in ["", " ", "NA", "NaN", "null", "None", "n/a"] {
            #expect(CSVField.isMissing(Array(text.utf8)[...]), "\(text)")
        }
        #expect(!CSVField.isMissing(Array("nand".utf8)[...]))
    }
}

@Suite(.timeLimit(.minutes(1)))
struct ScanTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "scan-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func file(_ name: String, _ text: String) throws -> String {
        let path = folder.appending(path: name)
        try Data(text.utf8).write(to: path)
        return path.path
    }

    private func table(
        seed: UInt64,
        count: Int = 500,
        shift: Double = 0,
        towns: [String] = ["Bern", "Oslo", "Rom"],
        change: (Int, inout [String]) -> Void = { _, _ in }
    ) -> String {
        var generator = CounterGenerator(seed: seed)
        var lines = ["id,x,town,flag,fixed"]
        for index in 0..<count {
            var row = [
                "u\(seed)-\(index)", "\(generator.normal() + shift)",
                towns[Int(generator.next() % UInt64(towns.count))],
                generator.uniform() < 0.3 ? "1" : "0", "3",
            ]
            change(index, &row)
            lines.append(row.joined(separator: ","))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func scan(_ now: String, against before: String, _ options: [String] = []) throws -> ScanReport {
        defer { try? FileManager.default.removeItem(at: folder) }
        let command = try DecayCommand.Scan.parse(
            [file("now.csv", now), "--reference", file("before.csv", before)] + options
        )
        return try command.report()
    }

    @Test("Two tables of one population have no drift and no finding", arguments: 1...4 as ClosedRange<UInt64>)
    func same(seed: UInt64) throws {
        let report = try scan(table(seed: 10 * seed), against: table(seed: 10 * seed + 1))
        #expect(!report.hasDrifted)
        #expect(report.comparison.findings == [])
        #expect(
            report.comparison.columns.map(\.kind.rawValue).sorted() == [
                "categorical", "numeric", "numeric", "numeric", "text",
            ]
        )
    }

    @Test("One value of a million among 500 is one outlier and no drift")
    func outlier() throws {
        let report = try scan(table(seed: 1) { if $0 == 17 { $1[1] = "1000000" } }, against: table(seed: 2))
        #expect(!report.hasDrifted)
        #expect(report.comparison.findings.count == 1)
        #expect(report.comparison.findings.first?.text.hasPrefix("outlier: 1000000") == true)
        #expect(report.hasBadCells)
    }

    @Test("The outlier does not hide a drift, and the column that drifted comes first")
    func hiddenDrift() throws {
        let report = try scan(table(seed: 1, shift: 1) { if $0 == 17 { $1[1] = "1000000" } }, against: table(seed: 2))
        #expect(report.comparison.drifted.map(\.name) == ["x"])
        #expect(report.comparison.columns.first?.name == "x")
        #expect(report.comparison.columns.first?.size == .large)
    }

    @Test("Unseen words, wrong types, missing cells, a constant that varies and a column that is gone are named")
    func cells() throws {
        let now = table(seed: 3, towns: ["Bern", "Oslo", "Rom", "Paris"]) { index, row in
            if index == 40 { row[1] = "oops" }
            if index % 3 == 0 { row[3] = "" }
            if index > 100 { row[4] = "4" }
        }.replacing(",x,", with: ",x,")
        let report = try scan(now, against: table(seed: 4) { $1.append("1") }.replacing("fixed", with: "fixed,gone"))
        let findings = Dictionary(grouping: report.comparison.findings, by: \.column).mapValues {
            $0.map(\.text).joined()
        }
        #expect(findings["town"]?.contains("Paris") == true)
        #expect(findings["x"]?.contains("'oops' (row 41)") == true)
        #expect(findings["flag"]?.contains("33.4 % of the cells are missing and were 0.0 %") == true)
        #expect(findings["fixed"]?.contains("'4' in row 102") == true)
        #expect(findings["gone"]?.contains("not there any more") == true)
        #expect(report.comparison.findings.first?.severity == .critical)
        #expect(Set(report.comparison.drifted.map(\.name)) == ["town", "fixed"])
    }

    @Test("Ragged rows, repeated rows and tables of few rows are told of, and nothing ends early")
    func ragged() throws {
        let lines = (0..<300).map { "\($0 % 7 == 0 ? "1" : "\($0 % 90),\($0 % 90 * 2)")" }
        let report = try scan(
            "a,b\n" + lines.joined(separator: "\n"),
            against: "a,b\n" + (0..<300).map { "\($0),\($0)\n" }.joined()
        )
        let texts = report.comparison.findings.map(\.text)
        #expect(texts.contains { $0.hasPrefix("43 rows of ") && $0.contains("line 2") })
        #expect(texts.contains { $0.contains("of the rows were there before") })
        let few = try ScanTests().scan("a\n1\n2\n", against: table(seed: 1).replacing("id,x,", with: "a,x,"))
        #expect(few.comparison.findings.contains { $0.text.contains("drift is judged from 20 on") })
        #expect(!few.hasDrifted)
    }

    @Test(
        "A file that is no table is refused by name",
        arguments: ["", "a,b\n", "a,b\n1,\"2\n", "\u{0}\u{1}", "c,d\n1,2\n"]
    )
    func refused(text: String) throws {
        let error = #expect(throws: CommandError.self) { try scan(text, against: "a,b\n1,2\n") }
        #expect(error?.description.contains("now.csv") == true)
    }

    @Test("Without titles, with other separators and with columns left out")
    func options() throws {
        let before = (0..<60).map { "\($0);\($0 % 5)" }.joined(separator: "\n")
        let report = try scan(before, against: before, ["--ignore", "c1"])
        #expect(report.comparison.columns.map(\.name) == ["c0"])
    }

    @Test("JSON is read again, and the page needs nothing from elsewhere")
    func forms() throws {
        let report = try scan(
            table(seed: 1, shift: 1, towns: ["<b>Bern</b>", "Rom"]),
            against: table(seed: 2, towns: ["<b>Bern</b>", "Rom"]),
            ["--joint"]
        )
        let json = try #require(JSONSerialization.jsonObject(with: Data(report.json().utf8)) as? [String: Any])
        #expect(json["drifted"] as? [String] == ["x"])
        #expect(json["hasDrifted"] as? Bool == true)
        let page = ScanPage(report).text
        #expect(page.contains("<svg") && page.contains("&lt;b&gt;Bern"))
        for part in ["http", "<script", "src=", "<b>Bern", "@import"] { #expect(!page.contains(part), "\(part)") }
        #expect(report.joint?.classifier.contributions.first?.name == "x")
    }

    @Test("What --fail-on names ends with 2")
    func exitCode() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let (now, before) = (try file("now.csv", table(seed: 1, shift: 1)), try file("before.csv", table(seed: 2)))
        let command = try DecayCommand.Scan.parse([now, "--reference", before, "--json", "--fail-on", "drift"])
        let code = await #expect(throws: ExitCode.self) { try await command.run() }
        #expect(code == ExitCode(2))
        let other = try DecayCommand.Scan.parse([now, "--reference", before, "--json", "--fail-on", "quality"])
        try await other.run()
    }

    @Test("Numbers of .npy files by rows and by columns, of several sizes")
    func arrays() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        var generator = CounterGenerator(seed: 3)
        let values = (0..<400).map { _ in generator.normal() }
        func array(_ kind: String, _ isByColumn: Bool, _ bytes: [UInt8]) throws -> TableProfile {
            var header = "{'descr': '\(kind)', 'fortran_order': \(isByColumn ? "True" : "False"), 'shape': (200, 2), }"
            header += String(repeating: " ", count: 117 - header.count) + "\n"
            let path = folder.appending(path: "a.npy")
            try Data([0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0] + Array(header.utf8) + bytes)
                .write(to: path)
            return try TableFile(path: path.path).read().profile
        }
        func bytes<T: FixedWidthInteger>(_ patterns: [T]) -> [UInt8] {
            patterns.flatMap { pattern in (0..<T.bitWidth / 8).map { UInt8(truncatingIfNeeded: pattern >> ($0 * 8)) } }
        }
        let rows = try array("<f8", false, bytes(values.map(\.bitPattern)))
        #expect(rows.columns.map(\.rows) == [200, 200])
        #expect(rows.columns[1].moments.maximum == stride(from: 1, to: 400, by: 2).map { values[$0] }.max())
        let columns = try array("<f8", true, bytes(values.map(\.bitPattern)))
        #expect(columns.columns[1].moments.maximum == values[200...].max())
        let floats = try array("<f4", false, bytes(values.map { Float($0).bitPattern }))
        #expect(
            floats.columns[0].moments.minimum == stride(from: 0, to: 400, by: 2).map { Double(Float(values[$0])) }.min()
        )
        let integers = try array("<i2", false, bytes((0..<400).map { Int16($0 - 200) }))
        #expect(integers.columns[0].moments.minimum == -200)
        let halves = try array("<f2", false, bytes([UInt16](repeating: 0xC500, count: 400)))
        #expect(halves.columns[0].moments.mean == -5)
        #expect(throws: CommandError.self) { try array("<f8", false, bytes(values.dropLast().map(\.bitPattern))) }
        #expect(throws: CommandError.self) { try array("<c8", false, bytes(values.map(\.bitPattern))) }
    }
}
