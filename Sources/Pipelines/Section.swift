/// One mapping of the file, read key by key. Unknown keys are refused when it is made; each reader names its key.
struct Section {
    let path: String
    let line: Int?
    private let pairs: [(key: String, value: Document)]

    /// - Parameter keys: Every key that may stand here.
    init(_ document: Document, _ path: String, keys: [String]) throws(PipelineError) {
        guard case .mapping(let pairs) = document.content else {
            throw PipelineError(
                .wrongType,
                path,
                value: document.summary,
                allowed: "a mapping of " + keys.joined(separator: ", "),
                line: document.line
            )
        }
        self.path = path
        line = document.line
        self.pairs = pairs
        for (key, value) in pairs where !keys.contains(key) {
            throw PipelineError(
                .unknownKey,
                join(path, key),
                value: value.summary,
                allowed: keys.joined(separator: ", "),
                suggestion: nearest(to: key, in: keys),
                line: value.line
            )
        }
    }

    /// The value of a key, nil when the key is not there. A key with nothing after it is an error, not a default.
    func optional(_ key: String) throws(PipelineError) -> Field? {
        guard let value = pairs.first(where: { $0.key == key })?.value else { return nil }
        let field = Field(path: join(path, key), document: value)
        guard !value.isNull else { throw field.refused("a value; leave the key out for the default", .wrongType) }
        return field
    }

    /// The value of a key that must be there.
    func required(_ key: String, _ allowed: String) throws(PipelineError) -> Field {
        guard let field = try optional(key) else {
            throw PipelineError(.missingKey, join(path, key), allowed: allowed, line: line)
        }
        return field
    }

    /// The mapping under a key, or an empty one when the key is not there.
    /// - Parameter isEmptyAllowed: Whether the key with nothing after it is that too.
    func section(
        _ key: String,
        keys: [String],
        isEmptyAllowed: Bool = false
    ) throws(PipelineError) -> Section {
        let isEmpty = isEmptyAllowed && pairs.first { $0.key == key }?.value.isNull == true
        guard !isEmpty, let field = try optional(key) else {
            return try Section(Document(emptyMappingAt: line), join(path, key), keys: keys)
        }
        return try Section(field.document, field.path, keys: keys)
    }
}

/// One value of the file with its path, and the ways to read it.
struct Field {
    let path: String
    let document: Document

    func refused(
        _ allowed: String,
        _ code: PipelineError.Code = .notAllowed,
        suggestion: String? = nil
    ) -> PipelineError {
        PipelineError(
            code,
            path,
            value: document.summary,
            allowed: allowed,
            suggestion: suggestion,
            line: document.line
        )
    }

    func text(_ allowed: String = "a text") throws(PipelineError) -> String {
        guard case .scalar(let text, _) = document.content else { throw refused(allowed, .wrongType) }
        guard !text.isEmpty else { throw refused(allowed) }
        return text
    }

    /// A word of `[A-Za-z0-9._-]` that begins with a letter, a digit or `_`.
    func segment(_ lengthMax: Int = 63) throws(PipelineError) -> String {
        let allowed =
            "lower-case letters, digits, '.', '_' and '-', not first '.' or '-', up to \(lengthMax) "
            + "characters: it is part of a topic"
        let text = try text(allowed)
        let isSegment = text.utf8.allSatisfy { byte in
            (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || "._-".utf8.contains(byte)
        }
        guard isSegment, let first = text.utf8.first, !".-".utf8.contains(first), text.utf8.count <= lengthMax else {
            throw refused(allowed)
        }
        return text
    }

    /// A name.
    func name(_ lengthMax: Int = 63) throws(PipelineError) -> String {
        let allowed = "letters, digits, '.', '_' and '-', not first '.' or '-', up to \(lengthMax) characters"
        let text = try text(allowed)
        let isWord = text.utf8.allSatisfy { isLetterOrDigit($0) || "._-".utf8.contains($0) }
        guard isWord, text.utf8.count <= lengthMax, let first = text.utf8.first, !".-".utf8.contains(first) else {
            throw refused(allowed)
        }
        return text
    }

    /// One word of an enumeration.
    func choice<Choice: RawRepresentable & CaseIterable>(_: Choice.Type) throws(PipelineError) -> Choice
    where Choice.RawValue == String {
        let words = Choice.allCases.map(\.rawValue)
        let text = try text(words.joined(separator: ", "))
        guard let choice = Choice(rawValue: text) else {
            throw refused(words.joined(separator: ", "), suggestion: nearest(to: text, in: words))
        }
        return choice
    }

    func integer<Number: FixedWidthInteger>(_ range: ClosedRange<Number>) throws(PipelineError) -> Number {
        let allowed = "a whole number, \(range.lowerBound)...\(range.upperBound)"
        guard let number = Number(try text(allowed)), range.contains(number) else { throw refused(allowed) }
        return number
    }

    func number(_ range: ClosedRange<Double>) throws(PipelineError) -> Double {
        let allowed = "a number, \(short(range.lowerBound))...\(short(range.upperBound))"
        guard let number = decimal(try text(allowed)), range.contains(number) else { throw refused(allowed) }
        return number
    }

    /// `2%` as 0.02.
    func percent(_ range: ClosedRange<Double>) throws(PipelineError) -> Double {
        let allowed = "a percentage, \(short(range.lowerBound))%...\(short(range.upperBound))%"
        let text = try text(allowed)
        guard text.hasSuffix("%"), let number = decimal(text.dropLast()), range.contains(number) else {
            throw refused(allowed, suggestion: decimal(text).map { range.contains($0) ? "\(short($0))%" : nil } ?? nil)
        }
        return number / 100
    }

    /// Decibels or a percentage, as written: `40dB`, `1%`.
    func loss() throws(PipelineError) -> String {
        let allowed =
            "signal to noise such as 40dB, 0dB...120dB, or a share of errors such as 1%, above 0% and up to 100%"
        let text = try text(allowed)
        let (number, isPercent) =
            text.hasSuffix("%")
            ? (decimal(text.dropLast()), true)
            : text.hasSuffix("dB") ? (decimal(text.dropLast(2)), false) : (nil, false)
        guard let number, isPercent ? number > 0 && number <= 100 : (0...120).contains(number) else {
            throw refused(allowed, suggestion: decimal(text).map { "\(short($0))dB" })
        }
        return text
    }

    /// `true` or `false`.
    func flag() throws(PipelineError) -> Bool {
        switch try text("true, false") {
        case "true": return true
        case "false": return false
        default: throw refused("true, false")
        }
    }

    /// `250 rows` as 250. The unit may be left out when `isUnitOptional`.
    func count(
        _ unit: String,
        _ range: ClosedRange<Int>,
        isUnitOptional: Bool = false
    ) throws(PipelineError) -> Int {
        let allowed = "\(range.lowerBound)...\(range.upperBound) \(unit), such as \"250 \(unit)\""
        let text = try text(allowed)
        let words = text.split(separator: " ")
        let units = [unit, String(unit.dropLast())]
        let hasUnit = words.count == 2 && units.contains(String(words[1]))
        guard hasUnit || isUnitOptional && words.count == 1, let number = words.first.flatMap({ Int($0) }) else {
            throw refused(allowed, suggestion: Int(text).map { "\($0) \(unit)" })
        }
        guard range.contains(number) else { throw refused(allowed) }
        return number
    }

    /// `250 rows` as 250, `all` as nil.
    func rowsOrAll() throws(PipelineError) -> Int? {
        if case .scalar("all", _) = document.content { return nil }
        return try count("rows", 1...100_000_000)
    }

    /// `1.5x baseline` as 1.5.
    func factor() throws(PipelineError) -> Double {
        let allowed = "a factor, such as \"1.5x baseline\", 1...1000"
        let words = try text(allowed).split(separator: " ")
        guard let first = words.first, first.hasSuffix("x"), words.count == 1 || words.count == 2,
            words.count == 1 || words[1] == "baseline", let number = decimal(first.dropLast()),
            (1...1000).contains(number)
        else { throw refused(allowed) }
        return number
    }

    /// `30s`, `5d`, `250ms` in seconds.
    func duration(_ range: ClosedRange<Double>) throws(PipelineError) -> Double {
        let allowed = "a duration in ms, s, m, h, d or w, \(short(range.lowerBound))s...\(short(range.upperBound))s"
        let text = try text(allowed)
        let unit = text.drop { $0.isASCII && ($0.isNumber || $0 == ".") }
        let units: [String: Double] = ["ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800]
        guard let number = decimal(text.prefix(text.count - unit.count)), let scale = units[String(unit)] else {
            throw refused(allowed, suggestion: decimal(text).map { "\(short($0))s" })
        }
        // Milliseconds divide: 250 * 0.001 is not 0.25.
        let seconds = unit == "ms" ? number / 1000 : number * scale
        guard range.contains(seconds) else { throw refused(allowed) }
        return seconds
    }

    func list(_ allowed: String, _ range: ClosedRange<Int>) throws(PipelineError) -> [Field] {
        guard case .list(let items) = document.content else { throw refused(allowed, .wrongType) }
        guard range.contains(items.count) else {
            throw refused("\(range.lowerBound)...\(range.upperBound) items: " + allowed)
        }
        return items.enumerated().map { Field(path: "\(path)[\($0.offset)]", document: $0.element) }
    }

    /// The entries of a mapping whose keys the data scientist chooses, in file order.
    func entries(_ allowed: String, _ range: ClosedRange<Int>) throws(PipelineError) -> [(key: Field, value: Field)] {
        guard case .mapping(let pairs) = document.content else { throw refused(allowed, .wrongType) }
        guard range.contains(pairs.count) else {
            throw refused("\(range.lowerBound)...\(range.upperBound) entries: " + allowed)
        }
        return pairs.map { key, value in
            let entry = join(path, key)
            return (
                Field(path: entry, document: Document(text: key, line: value.line)),
                Field(path: entry, document: value)
            )
        }
    }
}

func join(_ path: String, _ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

/// A number in decimal notation; no NaN, no infinity, no hexadecimal, no separators.
private func decimal(_ text: some StringProtocol) -> Double? {
    let isDecimal = text.utf8.allSatisfy { (48...57).contains($0) || "+-.eE".utf8.contains($0) }
    guard isDecimal, let number = Double(String(text)), number.isFinite else { return nil }
    return number
}

private func isLetterOrDigit(_ byte: UInt8) -> Bool {
    (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
}

/// 5 for 5.0: limits read better so.
func short(_ number: Double) -> String {
    number == number.rounded() && number.magnitude < 1e15 ? "\(Int(number))" : "\(number)"
}
