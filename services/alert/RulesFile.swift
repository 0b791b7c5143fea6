import Events
import FoundationEssentials
import Yams

/// A rules file that cannot be used: where, what stood there, and what would be accepted.
struct RulesError: Error, Sendable, Hashable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Reads rules as people write them:
/// ```yaml
/// - name: oil-decayed
///   type: decay.detected
///   severity: critical
///   resolve-by: [decay.cleared]
///   sinks: [log, webhook]
///   title: The champion of {about} has decayed
/// ```
/// `name`, `type` and `severity` must be there; `resolve-by` is empty, `sinks` is both, and `title` names type and
/// subject unless they are given.
enum RulesFile {
    static let bytesMax = 256 * 1024
    static let rulesMax = 256
    static let titleCharactersMax = 200
    private static let keys = ["name", "type", "severity", "resolve-by", "sinks", "title"]

    /// Reads the rules of the file at `path`.
    /// - Throws: ``RulesError``.
    static func read(_ path: String) throws(RulesError) -> [AlertRule] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw RulesError("rules.file '\(path)' cannot be read; correct the path or leave the setting empty")
        }
        guard data.count <= bytesMax else {
            throw RulesError("rules.file '\(path)' has \(data.count) bytes; \(bytesMax) are allowed")
        }
        do { return try parse(String(decoding: data, as: UTF8.self)) } catch {
            throw RulesError("rules.file '\(path)': \(error)")
        }
    }

    /// Reads the rules of a document.
    /// - Throws: ``RulesError`` that names line, key, value and what is accepted.
    static func parse(_ yaml: String) throws(RulesError) -> [AlertRule] {
        let root: Node?
        do { root = try compose(yaml: yaml) } catch {
            let lines = "\(error)".split(separator: "\n").prefix(2)
            throw RulesError("not YAML: \(lines.joined(separator: ": "))")
        }
        guard let items = root?.sequence, !items.isEmpty else {
            throw RulesError("a list of rules is expected, each '- name: ...'")
        }
        guard items.count <= rulesMax else {
            throw RulesError("\(items.count) rules; \(rulesMax) are allowed")
        }
        var rules: [AlertRule] = []
        for (index, item) in items.enumerated() {
            let rule = try parse(item, "[\(index)]")
            guard !rules.contains(where: { $0.name == rule.name }) else {
                throw refusal(item, "[\(index)].name", "'\(rule.name)' stands there twice; give each rule its own name")
            }
            rules.append(rule)
        }
        return rules
    }

    private static func parse(_ node: Node, _ path: String) throws(RulesError) -> AlertRule {
        guard let mapping = node.mapping else {
            throw refusal(node, path, "a rule with the keys \(keys.joined(separator: ", ")) is expected")
        }
        var fields: [String: Node] = [:]
        for (key, value) in mapping {
            let name = key.scalar?.string ?? ""
            guard keys.contains(name) else {
                throw refusal(key, "\(path).\(name)", "no such key; allowed are \(keys.joined(separator: ", "))")
            }
            guard fields.updateValue(value, forKey: name) == nil else {
                throw refusal(key, "\(path).\(name)", "stands there twice; leave one")
            }
        }
        func required(_ key: String) throws(RulesError) -> String {
            guard let value = fields[key] else { throw refusal(node, "\(path).\(key)", "is missing; add it") }
            return try text(value, "\(path).\(key)")
        }
        let name = try required("name")
        guard Topic.isSegment(name), name.utf8.count <= 63 else {
            throw refusal(
                node,
                "\(path).name",
                "'\(name)' may only hold a-z, 0-9, '.', '_' and '-', at most 63 of them"
            )
        }
        let type = try required("type")
        try check(type, node, "\(path).type")
        let severity = try required("severity")
        guard let severity = Severity(rawValue: severity) else {
            throw refusal(node, "\(path).severity", "'\(severity)' must be one of \(words(Severity.allCases))")
        }
        var resolveBy: Set<String> = []
        for item in try list(fields["resolve-by"], "\(path).resolve-by") {
            try check(item, node, "\(path).resolve-by")
            guard item != type else {
                throw refusal(node, "\(path).resolve-by", "'\(item)' also raises the alert; name another event")
            }
            resolveBy.insert(item)
        }
        var sinks = Set(AlertRule.Sink.allCases)
        if let value = fields["sinks"] {
            sinks = []
            for item in try list(value, "\(path).sinks") {
                guard let sink = AlertRule.Sink(rawValue: item) else {
                    throw refusal(
                        value,
                        "\(path).sinks",
                        "'\(item)' must be one of \(words(AlertRule.Sink.allCases))"
                    )
                }
                sinks.insert(sink)
            }
        }
        let title = fields["title"] == nil ? "\(type): {about}" : try required("title")
        guard title.count <= titleCharactersMax else {
            throw refusal(node, "\(path).title", "has \(title.count) characters; \(titleCharactersMax) are allowed")
        }
        return AlertRule(name, on: type, severity, resolveBy: resolveBy, sinks: sinks, title: title)
    }

    private static func check(_ type: String, _ node: Node, _ path: String) throws(RulesError) {
        guard WatchedEvent.types.contains(type) else {
            throw refusal(
                node,
                path,
                "'\(type)' must be one of \(WatchedEvent.types.sorted().joined(separator: ", "))"
            )
        }
    }

    private static func list(_ node: Node?, _ path: String) throws(RulesError) -> [String] {
        guard let node else { return [] }
        guard let sequence = node.sequence else { throw refusal(node, path, "a list such as [a, b] is expected") }
        var items: [String] = []
        for item in sequence { items.append(try text(item, path)) }
        return items
    }

    private static func text(_ node: Node, _ path: String) throws(RulesError) -> String {
        guard let text = node.scalar?.string, !text.isEmpty else {
            throw refusal(node, path, "a text is expected that is not empty")
        }
        return text
    }

    private static func words(_ cases: some Sequence<some RawRepresentable<String>>) -> String {
        cases.map(\.rawValue).joined(separator: ", ")
    }

    private static func refusal(_ node: Node, _ path: String, _ reason: String) -> RulesError {
        RulesError((node.mark.map { "line \($0.line): " } ?? "") + "\(path): \(reason)")
    }
}
