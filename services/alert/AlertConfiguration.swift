import Membership
import ServiceKit

/// The alert service's settings, besides those of every program.
///
/// - `rules.file` (path, default empty): rules, sinks, and when people are told, in YAML; see ``RulesFile``.
/// - `webhook.url` (`http://...` or `https://...`, default empty): where alerts are posted as JSON; nowhere when empty.
/// - `webhook.secret` (text, `$NAME` or `file:<path>`, default empty): signs what is posted there.
/// - `webhook.timeout` (duration, default 5s, range 100ms...1m): how long one attempt may take.
/// - `webhook.attempts` (int, default 10, range 1...100): attempts after which a delivery is given up.
/// - `links` (addresses, separated by spaces, default empty): pages that every notice names; `{about}` is the pipeline.
struct AlertConfiguration: Sendable {
    let rules: [AlertRule]
    let policy: TellingPolicy
    /// Every sink that is set up; the service's log always is.
    let sinks: [AlertRule.Sink: SinkSettings]
    let links: [String]

    static let defaults = MemberConfiguration.defaults.merging([
        "rules.file": "", "webhook.url": "", "webhook.secret": "", "webhook.timeout": "5s", "webhook.attempts": 10,
        "links": "",
    ]) { _, own in own }

    /// Reads the settings and the rules.
    /// - Throws: `SettingsError`, `ConfigurationError` or ``RulesError`` that names the key and the way out.
    init(_ settings: Settings) throws {
        let file = try settings.string("rules.file")
        let read = file.isEmpty ? RulesFile() : try RulesFile.read(file)
        var sinks = read.sinks
        sinks[.log] = SinkSettings(kind: .log)
        let url = try settings.string("webhook.url")
        guard url.isEmpty || url.hasPrefix("http://") || url.hasPrefix("https://") else {
            throw ConfigurationError("webhook.url '\(url)' must begin with http:// or https://, or be empty for none")
        }
        let timeout = try settings.duration("webhook.timeout", in: .milliseconds(100)...(.seconds(60)))
        let attempts = try settings.int("webhook.attempts", in: 1...100)
        let text = try settings.string("webhook.secret")
        let secret = RulesFile.Secrets().value(text)
        guard text.isEmpty || secret?.isEmpty == false else {
            throw ConfigurationError("webhook.secret '\(text)' is empty or not there; correct it or leave it empty")
        }
        if !url.isEmpty {
            guard sinks[.webhook] == nil else {
                throw ConfigurationError("webhook.url is set and rules.file has a sink 'webhook'; leave one of them")
            }
            sinks[.webhook] = SinkSettings(
                kind: .webhook(url: url, secret: text.isEmpty ? nil : secret),
                timeout: timeout,
                attempts: attempts
            )
        }
        self.sinks = sinks
        let names = Set(sinks.keys)
        rules = read.rules.map { rule in
            var rule = rule
            rule.sinks = rule.sinks ?? names
            return rule
        }
        policy = read.policy
        links = try settings.string("links").split(separator: " ").map(String.init)
    }
}
