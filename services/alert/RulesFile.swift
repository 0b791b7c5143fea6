import Events
import FoundationEssentials
import ServiceKit
import Yams

/// A rules file that cannot be used: where, what stood there, and what would be accepted.
struct RulesError: Error, Sendable, Hashable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Which alerts there are and when people are told, as they write it. Every key may be left out, and so may the file:
/// ```yaml
/// rules:                              # instead of the built-in ones
///   - name: oil-decayed
///     type: decay.detected
///     severity: critical
///     pipelines: [oil-*]              # all
///     causes: [concept, performance]  # all
///     after: 10m                      # at once
///     resolve-by: [decay.cleared]     # none
///     ends-after: 1d                  # never
///     sinks: [log, mail]              # all
///     title: The champion of {about} has decayed
/// wait: 10s                           # how long an incident gathers alerts before it is told
/// repeat: 4h                          # or never
/// inhibit:
///   - {when: decay-detected, mute: [decay-suspected]}
/// silences:
///   - {rules: [oil-decayed], pipelines: [oil-price], from: 2026-12-24, until: 2026-12-27}
/// quiet-hours: {from: "22:00", to: "07:00", offset: "+01:00", except: critical}
/// escalate: {after: 30m, severity: critical, sinks: [pager]}
/// ```
/// A bare list is a file with `rules` alone. Of a rule, `name`, `type` and `severity` must be there.
struct RulesFile: Sendable, Hashable {
    static let bytesMax = 256 * 1024
    static let rulesMax = 256
    static let itemsMax = 1_000
    static let titleCharactersMax = 200
    private static let keys = ["sinks", "rules", "wait", "repeat", "inhibit", "silences", "quiet-hours", "escalate"]
    private static let ruleKeys = [
        "name", "type", "severity", "pipelines", "causes", "after", "resolve-by", "ends-after", "sinks", "title",
    ]

    /// Where people are told, by name; the service's log and `webhook.url` are not among them.
    var sinks: [AlertRule.Sink: SinkSettings] = [:]
    var rules = AlertRule.builtIn
    var policy = TellingPolicy()

    /// Reads the file at `path`.
    /// - Throws: ``RulesError``.
    static func read(_ path: String) throws(RulesError) -> RulesFile {
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

    /// Reads a document.
    /// - Throws: ``RulesError`` that names line, key, value and what is accepted.
    static func parse(_ yaml: String, secrets: Secrets = Secrets()) throws(RulesError) -> RulesFile {
        let root: Node?
        do { root = try compose(yaml: yaml) } catch {
            let lines = "\(error)".split(separator: "\n").prefix(2)
            throw RulesError("not YAML: \(lines.joined(separator: ": "))")
        }
        var file = RulesFile()
        guard let root, !["", "~", "null"].contains(root.scalar?.string) else { return file }
        if root.sequence != nil {
            file.rules = try rules(root, "", file.known)
        } else {
            let fields = try fields(root, "", keys, "the rules file, or a list of rules,")
            if let node = fields["sinks"] { file.sinks = try sinks(node, secrets) }
            if let node = fields["rules"] { file.rules = try rules(node, "rules", file.known) }
            try file.readPolicy(fields)
        }
        return file
    }

    /// Every sink that a rule may name.
    private var known: Set<AlertRule.Sink> { AlertRule.Sink.usual.union(sinks.keys) }

    private mutating func readPolicy(_ fields: [String: Node]) throws(RulesError) {
        let names = Set(rules.map(\.name))
        if let node = fields["wait"] { policy.wait = try Self.duration(node, "wait") }
        if let node = fields["repeat"] {
            let interval = node.scalar?.string == "never" ? nil : try Self.duration(node, "repeat")
            if let interval, interval < .seconds(60) {
                throw Self.refusal(node, "repeat", "at least 1m is expected, or never")
            }
            policy.repeat = interval
        }
        if let node = fields["inhibit"] {
            policy.inhibitions = []
            for (item, path) in try Self.items(node, "inhibit") {
                let one = try Self.fields(item, path, ["when", "mute"], "an inhibition")
                let when = try Self.names([try Self.required(one, "when", item, path)], names, item, "\(path).when")
                let mute = try Self.names(try Self.list(one["mute"], "\(path).mute"), names, item, "\(path).mute")
                guard mute.isDisjoint(with: when), !mute.isEmpty else {
                    throw Self.refusal(item, "\(path).mute", "one or more rules other than 'when' are expected")
                }
                for name in when { policy.inhibitions.append(.init(when: name, mute: mute)) }
            }
        }
        if let node = fields["silences"] {
            for (item, path) in try Self.items(node, "silences") {
                let one = try Self.fields(item, path, ["rules", "pipelines", "from", "until"], "a silence")
                let until = try Self.time(try Self.required(one, "until", item, path), item, "\(path).until")
                var silence = TellingPolicy.Silence(until: until)
                silence.rules = try Self.names(
                    try Self.list(one["rules"], "\(path).rules"),
                    names,
                    item,
                    "\(path).rules"
                )
                silence.pipelines = try Self.list(one["pipelines"], "\(path).pipelines")
                if let value = one["from"] {
                    let from = try Self.time(try Self.text(value, "\(path).from"), item, "\(path).from")
                    guard from < until else {
                        throw Self.refusal(item, "\(path).until", "a time after 'from' is expected")
                    }
                    silence.from = from
                }
                policy.silences.append(silence)
            }
        }
        if let node = fields["quiet-hours"] { policy.quietHours = try Self.quietHours(node) }
        if let node = fields["escalate"] { policy.escalation = try Self.escalation(node, known) }
    }

    private static func quietHours(_ node: Node) throws(RulesError) -> TellingPolicy.QuietHours {
        let path = "quiet-hours"
        let fields = try fields(node, path, ["from", "to", "offset", "except"], "quiet hours")
        func minutes(_ text: Substring, _ key: String) throws(RulesError) -> Int {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 && $0.first != "+" }),
                let hours = UInt8(parts[0]),
                let minutes = UInt8(parts[1]), hours < 24, minutes < 60
            else { throw refusal(node, "\(path).\(key)", "'\(text)' must be a time such as \"22:00\"") }
            return Int(hours) * 60 + Int(minutes)
        }
        let from = try minutes(Substring(try required(fields, "from", node, path)), "from")
        let to = try minutes(Substring(try required(fields, "to", node, path)), "to")
        guard from != to else { throw refusal(node, "\(path).to", "another time than 'from' is expected") }
        var offset = 0
        if let value = fields["offset"] {
            let text = try text(value, "\(path).offset")
            guard let sign = text.first, "+-".contains(sign) else {
                throw refusal(value, "\(path).offset", "'\(text)' must be what clocks are ahead of UTC, as \"+01:00\"")
            }
            offset = try minutes(text.dropFirst(), "offset") * (sign == "-" ? -1 : 1)
        }
        var hours = TellingPolicy.QuietHours(from: from, to: to, offset: offset, except: .critical)
        if let value = fields["except"] { hours.except = try severity(value, "\(path).except") }
        return hours
    }

    private static func escalation(
        _ node: Node,
        _ known: Set<AlertRule.Sink>
    ) throws(RulesError) -> TellingPolicy.Escalation {
        let fields = try fields(node, "escalate", ["after", "severity", "sinks"], "an escalation")
        guard let after = fields["after"] else { throw refusal(node, "escalate.after", "is missing; add it") }
        var escalation = TellingPolicy.Escalation(after: try duration(after, "escalate.after"))
        if let value = fields["severity"] { escalation.severity = try severity(value, "escalate.severity") }
        escalation.sinks = known
        if let value = fields["sinks"] { escalation.sinks = try sinks(value, "escalate.sinks", known) }
        return escalation
    }

    private static func rules(
        _ node: Node,
        _ path: String,
        _ known: Set<AlertRule.Sink>
    ) throws(RulesError) -> [AlertRule] {
        guard let items = node.sequence, !items.isEmpty else {
            throw refusal(node, path, "a list of rules is expected, each '- name: ...'")
        }
        guard items.count <= rulesMax else {
            throw refusal(node, path, "\(items.count) rules; \(rulesMax) are allowed")
        }
        var rules: [AlertRule] = []
        for (index, item) in items.enumerated() {
            let rule = try parse(item, "\(path)[\(index)]", known)
            guard !rules.contains(where: { $0.name == rule.name }) else {
                throw refusal(
                    item,
                    "\(path)[\(index)].name",
                    "'\(rule.name)' stands there twice; give each rule its own name"
                )
            }
            rules.append(rule)
        }
        return rules
    }

    private static func parse(
        _ node: Node,
        _ path: String,
        _ known: Set<AlertRule.Sink>
    ) throws(RulesError) -> AlertRule {
        let fields = try fields(node, path, ruleKeys, "a rule")
        let name = try required(fields, "name", node, path)
        guard Topic.isSegment(name), name.utf8.count <= 63 else {
            throw refusal(
                node,
                "\(path).name",
                "'\(name)' may only hold a-z, 0-9, '.', '_' and '-', at most 63 of them"
            )
        }
        let type = try required(fields, "type", node, path)
        try check(type, node, "\(path).type")
        guard let level = fields["severity"] else { throw refusal(node, "\(path).severity", "is missing; add it") }
        let severity = try severity(level, "\(path).severity")
        var resolveBy: Set<String> = []
        for item in try list(fields["resolve-by"], "\(path).resolve-by") {
            try check(item, node, "\(path).resolve-by")
            guard item != type else {
                throw refusal(node, "\(path).resolve-by", "'\(item)' also raises the alert; name another event")
            }
            resolveBy.insert(item)
        }
        var causes: Set<String> = []
        for item in try list(fields["causes"], "\(path).causes") {
            guard WatchedEvent.causes.contains(item) else {
                throw refusal(
                    node,
                    "\(path).causes",
                    "'\(item)' must be one of \(WatchedEvent.causes.sorted().joined(separator: ", "))"
                )
            }
            causes.insert(item)
        }
        let title = fields["title"] == nil ? "\(type): {about}" : try required(fields, "title", node, path)
        guard title.count <= titleCharactersMax else {
            throw refusal(node, "\(path).title", "has \(title.count) characters; \(titleCharactersMax) are allowed")
        }
        var rule = AlertRule(name, on: type, severity, resolveBy: resolveBy, title: title)
        rule.causes = causes
        rule.pipelines = try list(fields["pipelines"], "\(path).pipelines")
        if let value = fields["after"] { rule.after = try duration(value, "\(path).after") }
        if let value = fields["ends-after"] { rule.endsAfter = try duration(value, "\(path).ends-after") }
        if let value = fields["sinks"] { rule.sinks = try sinks(value, "\(path).sinks", known) }
        return rule
    }

    // MARK: Values

    static func fields(
        _ node: Node,
        _ path: String,
        _ keys: [String],
        _ what: String
    ) throws(RulesError) -> [String: Node] {
        guard let mapping = node.mapping else {
            throw refusal(node, path, "\(what) with the keys \(keys.joined(separator: ", ")) is expected")
        }
        let dot = path.isEmpty ? "" : "\(path)."
        var fields: [String: Node] = [:]
        for (key, value) in mapping {
            let name = key.scalar?.string ?? ""
            guard keys.contains(name) else {
                throw refusal(key, "\(dot)\(name)", "no such key; allowed are \(keys.joined(separator: ", "))")
            }
            guard fields.updateValue(value, forKey: name) == nil else {
                throw refusal(key, "\(dot)\(name)", "stands there twice; leave one")
            }
        }
        return fields
    }

    static func required(
        _ fields: [String: Node],
        _ key: String,
        _ node: Node,
        _ path: String
    ) throws(RulesError) -> String {
        guard let value = fields[key] else { throw refusal(node, "\(path).\(key)", "is missing; add it") }
        return try text(value, "\(path).\(key)")
    }

    private static func items(_ node: Node, _ path: String) throws(RulesError) -> [(Node, String)] {
        guard let sequence = node.sequence else { throw refusal(node, path, "a list is expected, each '- ...'") }
        guard sequence.count <= itemsMax else {
            throw refusal(node, path, "\(sequence.count) items; \(itemsMax) are allowed")
        }
        return sequence.enumerated().map { ($1, "\(path)[\($0)]") }
    }

    /// The names themselves, each of which must be a rule's.
    private static func names(
        _ names: [String],
        _ known: Set<String>,
        _ node: Node,
        _ path: String
    ) throws(RulesError) -> Set<String> {
        if let name = names.first(where: { !known.contains($0) }) {
            throw refusal(node, path, "'\(name)' must be one of the rules \(known.sorted().joined(separator: ", "))")
        }
        return Set(names)
    }

    private static func severity(_ node: Node, _ path: String) throws(RulesError) -> Severity {
        let text = try text(node, path)
        guard let severity = Severity(rawValue: text) else {
            throw refusal(node, path, "'\(text)' must be one of \(words(Severity.allCases))")
        }
        return severity
    }

    private static func sinks(
        _ node: Node,
        _ path: String,
        _ known: Set<AlertRule.Sink>
    ) throws(RulesError) -> Set<AlertRule.Sink> {
        var sinks: Set<AlertRule.Sink> = []
        for item in try list(node, path) {
            guard known.contains(AlertRule.Sink(item)) else {
                let names = known.map(\.rawValue).sorted().joined(separator: ", ")
                throw refusal(node, path, "'\(item)' must be one of \(names)")
            }
            sinks.insert(AlertRule.Sink(item))
        }
        return sinks
    }

    static func duration(_ node: Node, _ path: String) throws(RulesError) -> Duration {
        let text = try text(node, path)
        guard let duration = Duration(settingText: text) else {
            throw refusal(node, path, "'\(text)' must be a number with a unit (ms, s, m, h, d), such as 30s or 4h")
        }
        return duration
    }

    private static func time(_ text: String, _ node: Node, _ path: String) throws(RulesError) -> Timestamp {
        guard let time = Timestamp(rfc3339: text) else {
            throw refusal(node, path, "'\(text)' must be a time such as 2026-12-24 or 2026-12-24T18:00:00+01:00")
        }
        return time
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

    static func list(_ node: Node?, _ path: String) throws(RulesError) -> [String] {
        guard let node else { return [] }
        guard let sequence = node.sequence else { throw refusal(node, path, "a list such as [a, b] is expected") }
        var items: [String] = []
        for item in sequence { items.append(try text(item, path)) }
        return items
    }

    static func text(_ node: Node, _ path: String) throws(RulesError) -> String {
        guard let text = node.scalar?.string, !text.isEmpty else {
            throw refusal(node, path, "a text is expected that is not empty")
        }
        return text
    }

    static func words(_ cases: some Sequence<some RawRepresentable<String>>) -> String {
        cases.map(\.rawValue).joined(separator: ", ")
    }

    static func refusal(_ node: Node, _ path: String, _ reason: String) -> RulesError {
        RulesError((node.mark.map { "line \($0.line): " } ?? "") + (path.isEmpty ? reason : "\(path): \(reason)"))
    }
}
