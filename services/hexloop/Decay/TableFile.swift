import Decay
import FoundationEssentials
import Glibc
import ModelImport

/// A table in a CSV or `.npy` file, read row by row.
struct TableFile {
    /// Whether the first line of a CSV file holds titles.
    enum Titles: String, CaseIterable {
        /// It does, unless all its fields are numbers.
        case auto
        case yes
        case no
    }

    /// How a file is read.
    struct Settings {
        var titles = Titles.auto
        /// Nil finds it.
        var separator: UInt8?
        /// Columns that are left out.
        var ignored: Set<String> = []
        var profile = TableProfile.Settings()
    }

    /// What came of a file.
    struct Read {
        var profile: TableProfile
        /// Rows with too few or too many fields, and the line of the first.
        var ragged = 0
        var firstRaggedLine = 0
    }

    /// Rows from which the kinds of columns are found.
    static let rowsForKinds = 1_000
    /// More columns than this are refused.
    static let columnsMax = 10_000

    let path: String
    var settings = Settings()

    /// Reads the file once.
    ///
    /// - Parameter reference: Whose kinds and expectations hold for the columns of the same names.
    /// - Throws: ``CommandError`` that names the file.
    func read(against reference: TableProfile? = nil) throws -> Read {
        let file = try OpenFile(path)
        let start = try file.bytes(at: 0, count: 8)
        do {
            var builder = Builder(settings: settings, reference: reference)
            if ArrayFile.isNpy(start) {
                try readArray(file, &builder)
            } else {
                try readText(file, &builder)
            }
            return try builder.finish()
        } catch let error as CommandError {
            throw CommandError("\(path): \(error)")
        }
    }

    private func readText(_ file: borrowing OpenFile, _ builder: inout Builder) throws {
        let first = try file.bytes(at: 0, count: 1 << 16)
        guard !first.isEmpty else { throw CommandError("the file is empty") }
        guard !first.starts(with: [0x1F, 0x8B]) else { throw CommandError("the file is compressed; unpack it first") }
        guard !first.contains(0) else { throw CommandError("the file is neither text nor .npy") }
        var parser = CSVParser(separator: settings.separator ?? CSVParser.separator(of: first[...]))
        var offset = 0
        while true {
            let part = try file.bytes(at: offset, count: 1 << 20)
            if part.isEmpty { break }
            offset += part.count
            try part.withUnsafeBufferPointer { try parser.add($0) { try builder.add($0) } }
        }
        try parser.finish { try builder.add($0) }
    }

    private func readArray(_ file: borrowing OpenFile, _ builder: inout Builder) throws {
        let array = try NumberFile(file)
        builder.begin(columns: array.columns)
        try array.forEachRow(in: file) { builder.add(numbers: $0) }
    }
}

/// Makes a profile of rows as they come.
private struct Builder {
    private let settings: TableFile.Settings
    private let reference: TableProfile?
    private var names: [String]?
    private var early: [[String]] = []
    private var profile: TableProfile?
    private var cells: [CellValue] = []
    /// Rows that are added together.
    private var waiting: [[CellValue]] = []
    private static let rowsTogether = 512
    private var kinds: [ColumnKind] = []
    /// Fields that are read, without those of columns that are left out.
    private var places: [Int] = []
    private var width = 0
    private var ragged = 0
    private var firstRaggedLine = 0

    init(settings: TableFile.Settings, reference: TableProfile?) {
        self.settings = settings
        self.reference = reference
    }

    mutating func add(_ row: CSVParser.Row) throws {
        guard names != nil else {
            guard row.count <= TableFile.columnsMax else {
                throw CommandError("it has \(row.count) columns; \(TableFile.columnsMax) are the most")
            }
            let isTitles =
                switch settings.titles {
                case .yes: true
                case .no: false
                case .auto: !(0..<row.count).allSatisfy { CSVField.number(row[$0]) != nil }
                }
            keep(Self.unique((0..<row.count).map { isTitles ? row.text($0) : "c\($0)" }))
            if !isTitles { try add(row) }
            return
        }
        if row.count != width {
            ragged += 1
            if ragged == 1 { firstRaggedLine = row.line }
        }
        if profile == nil {
            early.append(places.map { $0 < row.count ? row.text($0) : "" })
            if early.count == TableFile.rowsForKinds { settle() }
            return
        }
        for index in cells.indices {
            let place = places[index]
            cells[index] = place < row.count ? Self.cell(row[place], kinds[index]) : .missing
        }
        addCells()
    }

    /// Columns of numbers by themselves.
    mutating func begin(columns: Int) {
        keep((0..<columns).map { "c\($0)" })
        kinds = places.map { _ in .numeric }
        start()
    }

    private mutating func keep(_ all: [String]) {
        width = all.count
        places = all.indices.filter { !settings.ignored.contains(all[$0]) }
        names = places.map { all[$0] }
    }

    mutating func add(numbers: UnsafeBufferPointer<Double>) {
        for index in cells.indices { cells[index] = .number(numbers[places[index]]) }
        addCells()
    }

    private mutating func addCells() {
        waiting.append(cells)
        if waiting.count == Self.rowsTogether { flush() }
    }

    private mutating func flush() {
        profile?.add(contentsOf: waiting)
        waiting.removeAll(keepingCapacity: true)
    }

    consuming func finish() throws -> TableFile.Read {
        guard names != nil else { throw CommandError("there is no row in it") }
        if profile == nil { settle() }
        flush()
        guard let profile else { throw CommandError("there is no row in it") }
        return TableFile.Read(profile: profile, ragged: ragged, firstRaggedLine: firstRaggedLine)
    }

    /// Decides what the columns are, and adds the rows that waited for it.
    private mutating func settle() {
        guard let names else { return }
        let known = Dictionary((reference?.columns ?? []).map { ($0.name, $0.kind) }) { first, _ in first }
        kinds = names.indices.map { index in
            known[names[index]] ?? Self.kind(early.map { Array($0[index].utf8)[...] })
        }
        start()
        for row in early {
            for index in cells.indices { cells[index] = Self.cell(Array(row[index].utf8)[...], kinds[index]) }
            addCells()
        }
        early = []
    }

    private mutating func start() {
        guard let names else { return }
        let known = Dictionary((reference?.columns ?? []).map { ($0.name, $0.expectation) }) { first, _ in first }
        cells = Array(repeating: .missing, count: names.count)
        var limits = settings.profile
        // Wide tables keep fewer numbers of each column, so that all of them stay in bounds.
        limits.exactMax = max(1_000, min(limits.exactMax, 8_000_000 / max(1, names.count)))
        profile = TableProfile(
            columns: zip(names, kinds).map { ($0, $1) },
            expectations: reference == nil ? [] : names.map { known[$0] },
            settings: limits
        )
    }

    private static func cell(_ field: ArraySlice<UInt8>, _ kind: ColumnKind) -> CellValue {
        if CSVField.isMissing(field) { return .missing }
        if kind == .numeric, let number = CSVField.number(field) { return .number(number) }
        return .text(String(decoding: CSVField.trimmed(field), as: UTF8.self))
    }

    /// Numbers where nine of ten cells are; words where they repeat; text otherwise.
    private static func kind(_ fields: [ArraySlice<UInt8>]) -> ColumnKind {
        let valued = fields.filter { !CSVField.isMissing($0) }
        guard !valued.isEmpty else { return .text }
        let numbers = valued.reduce(0) { $0 + (CSVField.number($1) != nil ? 1 : 0) }
        if numbers * 10 >= valued.count * 9 { return .numeric }
        let distinct = Set(valued.map { Array(CSVField.trimmed($0)) }).count
        return distinct <= max(20, valued.count / 5) ? .categorical : .text
    }

    private static func unique(_ titles: [String]) -> [String] {
        var seen: [String: Int] = [:]
        return titles.enumerated().map { index, title in
            let bytes = Array(title.utf8)
            let trimmed = String(decoding: CSVField.trimmed(bytes[...]), as: UTF8.self)
            let name = trimmed.isEmpty ? "column \(index + 1)" : trimmed
            let count = seen[name, default: 0]
            seen[name] = count + 1
            return count == 0 ? name : "\(name).\(count)"
        }
    }
}

/// A file that is read at any place.
struct OpenFile: ~Copyable {
    let path: String
    private let descriptor: Int32

    init(_ path: String) throws(CommandError) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw CommandError("\(path) cannot be read: \(String(cString: strerror(errno)))") }
    }

    deinit { close(descriptor) }

    /// The bytes there, fewer at the end of the file.
    func bytes(at offset: Int, count: Int) throws(CommandError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let got = bytes.withUnsafeMutableBytes { buffer in
                pread(descriptor, buffer.baseAddress.map { $0 + filled }, count - filled, off_t(offset + filled))
            }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw CommandError("\(path) cannot be read: \(String(cString: strerror(errno)))") }
            if got == 0 { break }
            filled += got
        }
        bytes.removeLast(count - filled)
        return bytes
    }
}
