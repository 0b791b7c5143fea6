/// A folder of recorded answers of other tools, in the format of drift-golden.
struct GoldenFolder {
    /// One recorded case.
    struct Case {
        let family: String
        let id: String
        let function: String
        let params: GoldenJSON
        let input: GoldenJSON
        let expect: GoldenJSON
        let tolerance: GoldenJSON

        /// The part of the id before the first dot.
        var kind: String { String(id.prefix { $0 != "." }) }
    }

    /// Families in the order of their names, with their cases.
    let families: [(name: String, cases: [Case])]
    /// Files that could not be read, with the reason.
    let problems: [String]

    private let samples: [String: GoldenJSON]
    private let streams: [String: GoldenJSON]

    /// Files of the format that hold no cases.
    private static let others: Set = ["manifest.json", "samples.json", "streams.json", "baseline_studies.json"]

    /// Reads a folder.
    ///
    /// - Parameters:
    ///   - names: Names of the files in it.
    ///   - read: The bytes of one of them.
    init(names: [String], read: (String) throws -> [UInt8]) {
        var problems: [String] = []
        func parsed(_ name: String) -> GoldenJSON {
            guard names.contains(name) else { return .null }
            do { return try GoldenJSON(parsing: read(name)) } catch {
                problems.append("\(name): \(error)")
                return .null
            }
        }
        func entries(_ name: String, _ key: String) -> [String: GoldenJSON] {
            let file = parsed(name)
            return file[key].members ?? file["entries"].members ?? file.members ?? [:]
        }
        samples = entries("samples.json", "samples")
        streams = entries("streams.json", "streams")
        var families: [(name: String, cases: [Case])] = []
        for name in names.sorted() where name.hasSuffix(".json") && !Self.others.contains(name) {
            let file = parsed(name)
            if file.isNull { continue }
            guard let list = file["cases"].elements ?? file.elements else {
                problems.append("\(name): has no cases")
                continue
            }
            let family = file["family"].string ?? String(name.dropLast(5))
            var cases: [Case] = []
            for (index, item) in list.enumerated() {
                guard let id = item["id"].string else {
                    problems.append("\(name): case \(index) has no id")
                    continue
                }
                cases.append(
                    Case(
                        family: family,
                        id: id,
                        function: item["function"].string ?? "",
                        params: item["params"],
                        input: item["input"],
                        expect: item["expect"],
                        tolerance: item["tol"]
                    )
                )
            }
            families.append((family, cases))
        }
        self.families = families
        self.problems = problems
    }

    /// Why a case has no input.
    struct MissingInput: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }

    /// The numbers of an input: inline, of a sample, or of a stream.
    func numbers(_ input: GoldenJSON) throws -> [Double] {
        if let values = input.numbers { return values }
        if let name = input.string {
            if let values = samples[name]?.numbers { return values }
            throw MissingInput("no sample \(name)")
        }
        if let name = input["sample"].string { return try numbers(.string(name)) }
        if !input["gen"].isNull {
            let stream = try GoldenStream(input["gen"], count: input["n"].integer)
            guard input["check"].isNull || stream.matches(input["check"]) else {
                throw MissingInput("the stream was not rebuilt to its check")
            }
            return stream.values
        }
        if let name = input["stream"].string {
            let values = try values(ofStream: name)
            return input["upto"].integer.map { Array(values.prefix(max(0, $0))) } ?? values
        }
        throw MissingInput("no numbers in the input")
    }

    /// A stream by its name, as it was recorded.
    func stream(_ name: String?) throws -> GoldenJSON {
        guard let name, let stream = streams[name] else { throw MissingInput("no stream \(name ?? "without a name")") }
        return stream
    }

    private func values(ofStream name: String) throws -> [Double] {
        let stream = try stream(name)
        if let bits = stream["bits"].string { return bits.utf8.map { $0 == UInt8(ascii: "1") ? 1 : 0 } }
        if let values = stream["values"].numbers { return values }
        let built = try GoldenStream(stream["spec"])
        guard stream["check"].isNull || built.matches(stream["check"]) else {
            throw MissingInput("stream \(name) was not rebuilt to its check")
        }
        return built.values
    }
}

extension GoldenJSON {
    /// A string of 0 and 1 as labels.
    var bits: [Bool]? { string.map { $0.utf8.map { $0 == UInt8(ascii: "1") } } }
    /// A string of digits as classes.
    var digits: [Int]? { string.map { $0.utf8.map { Int($0) - 48 } } }
}
