internal import Yams

/// A parsed document without anything that YAML adds to plain values: no anchors, no tags, keys are texts in file order.
struct Document: Sendable {
    enum Content: Sendable {
        /// A text as written; `isPlain` when it stood there without quotes.
        case scalar(String, isPlain: Bool)
        case list([Document])
        case mapping([(key: String, value: Document)])
    }

    var content: Content
    var line: Int?
    /// Whether the order of a mapping is the order of the file.
    var isOrdered = true

    /// Lists and mappings inside each other that a pipeline file may have.
    static let depthMax = 16

    /// Parses one YAML document; JSON is YAML for this purpose.
    init(yaml: String) throws(PipelineError) {
        guard yaml.utf8.count <= Pipeline.documentBytesMax else {
            throw PipelineError(
                .syntax,
                "",
                value: "\(yaml.utf8.count) bytes",
                allowed: "up to \(Pipeline.documentBytesMax) bytes"
            )
        }
        try Self.refuseAliases(yaml)
        let root: Node?
        do {
            root = try compose(yaml: yaml)
        } catch let error as YamlError {
            throw Self.syntaxError(error)
        } catch {
            throw PipelineError(.syntax, "", value: "\(error)", allowed: "one YAML document")
        }
        guard let root else { throw PipelineError(.syntax, "", allowed: "one YAML document") }
        self = try Self.converted(root, depth: 0)
    }

    /// What stands there, short enough for an error.
    var summary: String {
        switch content {
        case .scalar(let text, let isPlain): isPlain ? (text.isEmpty ? "nothing" : text) : "\"\(text)\""
        case .list(let items): "a list of \(items.count)"
        case .mapping(let pairs): "a mapping of \(pairs.count)"
        }
    }

    /// Whether this is YAML's null, which is what a key without a value has.
    var isNull: Bool {
        guard case .scalar(let text, isPlain: true) = content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }

    /// An empty mapping, for a section that the file leaves to its defaults.
    init(emptyMappingAt line: Int?) { self.init(.mapping([]), line) }

    /// A text that stood there as a key.
    init(text: String, line: Int?) { self.init(.scalar(text, isPlain: true), line) }

    init(_ content: Content, _ line: Int?) {
        self.content = content
        self.line = line
    }

    private static func converted(_ node: Node, depth: Int) throws(PipelineError) -> Document {
        guard depth <= depthMax else {
            throw PipelineError(
                .syntax,
                "",
                value: "nested too deeply",
                allowed: "up to \(depthMax) levels",
                line: node.mark?.line
            )
        }
        switch node {
        case .scalar(let scalar):
            let isPlain = scalar.style == .plain || scalar.style == .any
            return Document(.scalar(scalar.string, isPlain: isPlain), scalar.mark?.line)
        case .sequence(let sequence):
            var items: [Document] = []
            for item in sequence { items.append(try converted(item, depth: depth + 1)) }
            return Document(.list(items), sequence.mark?.line)
        case .mapping(let mapping):
            var pairs: [(key: String, value: Document)] = []
            for (key, value) in mapping {
                guard case .scalar(let scalar) = key else {
                    throw PipelineError(
                        .syntax,
                        "",
                        value: "a key that is no text",
                        allowed: "texts as keys",
                        line: key.mark?.line
                    )
                }
                // Yams tells "1" and 1 apart; here both are the same key.
                guard !pairs.contains(where: { $0.key == scalar.string }) else {
                    throw PipelineError(
                        .syntax,
                        "",
                        value: "the key \"\(scalar.string)\" stands there twice",
                        allowed: "each key once",
                        line: scalar.mark?.line
                    )
                }
                pairs.append((scalar.string, try converted(value, depth: depth + 1)))
            }
            return Document(.mapping(pairs), mapping.mark?.line)
        case .alias:
            throw aliasError(line: node.mark?.line)
        }
    }

    private static func aliasError(line: Int?) -> PipelineError {
        PipelineError(
            .syntax,
            "",
            value: "an alias (*name)",
            allowed: "values written out, and no star before a word",
            line: line
        )
    }

    /// Refuses aliases before the parser sees them: a few lines of them stand for billions of nodes, and the parser
    /// visits every one of those when they are keys.
    ///
    /// To be safe this looks at no quotes: a star that could begin an alias is refused anywhere but in a line that is
    /// all comment.
    private static func refuseAliases(_ yaml: String) throws(PipelineError) {
        let star = UInt8(ascii: "*")
        let blanks = [UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r")]
        let openers = blanks + ["[", "{", ",", ":", "-", "?", "\"", "'", "}", "]"].map { UInt8(ascii: $0) }
        for (index, line) in yaml.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .enumerated()
        {
            if line.first(where: { !blanks.contains($0) }) == UInt8(ascii: "#"), !line.contains(UInt8(ascii: "\r")) {
                continue
            }
            var before = UInt8(ascii: "\n")
            var isAfterStar = false
            for byte in line {
                if isAfterStar, !blanks.contains(byte) { throw aliasError(line: index + 1) }
                isAfterStar = byte == star && (openers.contains(before) || before >= 0x80)
                before = byte
            }
        }
    }

    private static func syntaxError(_ error: YamlError) -> PipelineError {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            PipelineError(.syntax, "", value: problem, allowed: "one YAML document", line: mark.line)
        case .duplicatedKeysInMapping(let keys, let context):
            PipelineError(
                .syntax,
                "",
                value: "the key \"\(keys.first ?? "")\" stands there twice",
                allowed: "each key once",
                line: context.mark.line
            )
        case .reader(let problem, _, _, _):
            PipelineError(.syntax, "", value: problem, allowed: "UTF-8 text")
        case .memory:
            PipelineError(.syntax, "", value: "nested too deeply", allowed: "up to \(depthMax) levels")
        case .no, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
            PipelineError(.syntax, "", value: "not readable", allowed: "one YAML document")
        }
    }
}
