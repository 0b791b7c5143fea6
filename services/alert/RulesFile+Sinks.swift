import FoundationEssentials
import Yams

/// The part of a rules file that says where people are told:
/// ```yaml
/// sinks:
///   mail:  {kind: smtp, host: mail.example.org, user: hexloop, password: $SMTP_PASSWORD, from: hexloop@example.org,
///           to: [ops@example.org]}
///   pager: {kind: pagerduty, key: file:/run/secrets/pagerduty, timeout: 10s}
/// ```
extension RulesFile {
    static let sinksMax = 32
    static let pagerDutyURL = "https://events.pagerduty.com/v2/enqueue"
    private static let kinds = ["webhook", "slack", "pagerduty", "alertmanager", "smtp"]
    private static let commonKeys = ["kind", "timeout", "attempts"]

    /// Where the values of secrets are: `$NAME` in the environment, `file:<path>` in a file.
    struct Secrets: Sendable {
        var environment: [String: String] = ProcessInfo.processInfo.environment

        /// The value that a text stands for; nil when it is nowhere.
        func value(_ text: String) -> String? {
            if text.hasPrefix("$") { return environment[String(text.dropFirst())] }
            guard text.hasPrefix("file:") else { return text }
            guard let data = FileManager.default.contents(atPath: String(text.dropFirst("file:".count))) else {
                return nil
            }
            var value = String(decoding: data, as: UTF8.self)
            while value.last?.isNewline == true { value.removeLast() }
            return value
        }
    }

    static func sinks(_ node: Node, _ secrets: Secrets) throws(RulesError) -> [AlertRule.Sink: SinkSettings] {
        guard let mapping = node.mapping else {
            throw refusal(node, "sinks", "sinks by name are expected, each 'name: {kind: ...}'")
        }
        guard mapping.count <= sinksMax else {
            throw refusal(node, "sinks", "\(mapping.count) sinks; \(sinksMax) are allowed")
        }
        var sinks: [AlertRule.Sink: SinkSettings] = [:]
        for (key, value) in mapping {
            let name = key.scalar?.string ?? ""
            let isName =
                !name.isEmpty && name.utf8.count <= 63
                && name.utf8.allSatisfy {
                    (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D
                }
            guard isName else {
                throw refusal(key, "sinks.\(name)", "a name may only hold a-z, 0-9 and '-', at most 63 of them")
            }
            guard AlertRule.Sink(name) != .log else {
                throw refusal(key, "sinks.\(name)", "there is the service's log already; choose another name")
            }
            guard sinks.updateValue(try sink(value, "sinks.\(name)", secrets), forKey: AlertRule.Sink(name)) == nil
            else {
                throw refusal(key, "sinks.\(name)", "stands there twice; leave one")
            }
        }
        return sinks
    }

    private static func sink(_ node: Node, _ path: String, _ secrets: Secrets) throws(RulesError) -> SinkSettings {
        guard let kind = node.mapping?["kind"]?.scalar?.string, kinds.contains(kind) else {
            throw refusal(node, "\(path).kind", "one of \(kinds.joined(separator: ", ")) is expected")
        }
        let keys =
            switch kind {
            case "webhook": ["url", "secret"]
            case "slack", "alertmanager": ["url"]
            case "pagerduty": ["url", "key"]
            default: ["host", "port", "security", "user", "password", "from", "to", "authorities"]
            }
        let fields = try fields(node, path, commonKeys + keys, "a sink of kind \(kind)")
        func secret(_ key: String) throws(RulesError) -> String {
            let text = try required(fields, key, node, path)
            guard let value = secrets.value(text), !value.isEmpty else {
                throw refusal(
                    node,
                    "\(path).\(key)",
                    "'\(text)' is empty or not there; write it, $NAME for the environment, or file:<path>"
                )
            }
            return value
        }
        func url() throws(RulesError) -> String {
            var url = try secret("url")
            guard url.hasPrefix("https://") || url.hasPrefix("http://") else {
                throw refusal(node, "\(path).url", "it must begin with http:// or https://")
            }
            while url.hasSuffix("/"), kind == "alertmanager" { url.removeLast() }
            return url
        }
        let chosen: SinkSettings.Kind
        switch kind {
        case "webhook": chosen = .webhook(url: try url(), secret: fields["secret"] == nil ? nil : try secret("secret"))
        case "slack": chosen = .slack(url: try url())
        case "alertmanager": chosen = .alertmanager(url: try url())
        case "pagerduty":
            chosen = .pagerDuty(url: fields["url"] == nil ? pagerDutyURL : try url(), key: try secret("key"))
        default: chosen = .mail(try mail(fields, node, path, secret))
        }
        var settings = SinkSettings(kind: chosen)
        if let value = fields["timeout"] {
            settings.timeout = try duration(value, "\(path).timeout")
            guard settings.timeout >= .milliseconds(100), settings.timeout <= .seconds(60) else {
                throw refusal(value, "\(path).timeout", "100ms to 1m is expected")
            }
        }
        if let value = fields["attempts"] {
            guard let attempts = Int(try text(value, "\(path).attempts")), (1...100).contains(attempts) else {
                throw refusal(value, "\(path).attempts", "a whole number from 1 to 100 is expected")
            }
            settings.attempts = attempts
        }
        return settings
    }

    private static func mail(
        _ fields: [String: Node],
        _ node: Node,
        _ path: String,
        _ secret: (String) throws(RulesError) -> String
    ) throws(RulesError) -> MailSettings {
        var security = MailSettings.Security.starttls
        if let value = fields["security"] {
            let text = try text(value, "\(path).security")
            guard let known = MailSettings.Security(rawValue: text) else {
                throw refusal(
                    value,
                    "\(path).security",
                    "'\(text)' must be one of \(words(MailSettings.Security.allCases))"
                )
            }
            security = known
        }
        var port = security.portDefault
        if let value = fields["port"] {
            guard let number = Int(try text(value, "\(path).port")), (1...65_535).contains(number) else {
                throw refusal(value, "\(path).port", "a port from 1 to 65535 is expected")
            }
            port = number
        }
        var login: MailSettings.Login?
        if fields["user"] != nil {
            guard security != .none else {
                throw refusal(node, "\(path).user", "a password goes over TLS only; set 'security' to tls or starttls")
            }
            login = .init(user: try secret("user"), password: try secret("password"))
        }
        func address(_ text: String, _ key: String) throws(RulesError) -> String {
            let parts = text.split(separator: "@", omittingEmptySubsequences: false)
            let isPlain = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !#"<>()[],;:\""#.utf8.contains($0) }
            guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }), isPlain, text.utf8.count <= 254 else {
                throw refusal(node, "\(path).\(key)", "'\(text)' is no address such as ops@example.org")
            }
            return text
        }
        var to: [String] = []
        for one in try list(fields["to"], "\(path).to") { to.append(try address(one, "to")) }
        guard !to.isEmpty, to.count <= MailSettings.recipientsMax else {
            throw refusal(node, "\(path).to", "1 to \(MailSettings.recipientsMax) addresses are expected")
        }
        return MailSettings(
            host: try required(fields, "host", node, path),
            port: port,
            security: security,
            login: login,
            from: try address(try required(fields, "from", node, path), "from"),
            to: to,
            authorities: fields["authorities"] == nil ? nil : try required(fields, "authorities", node, path)
        )
    }
}
