import Membership
import ServiceKit

/// The alert service's settings, besides those of every program.
///
/// - `rules.file` (path, default empty): rules, and when people are told, in YAML; see ``RulesFile``.
/// - `webhook.url` (`http://...` or `https://...`, default empty): where alerts are posted as JSON; nowhere when empty.
/// - `webhook.timeout` (duration, default 5s, range 100ms...1m): how long one attempt may take.
/// - `webhook.attempts` (int, default 10, range 1...100): attempts after which a delivery is given up.
struct AlertConfiguration: Sendable {
    let rules: [AlertRule]
    let policy: TellingPolicy
    let webhookURL: String?
    let webhookTimeout: Duration
    let webhookAttempts: Int

    /// The sinks that are set up.
    var sinks: Set<AlertRule.Sink> { webhookURL == nil ? [.log] : [.log, .webhook] }

    static let defaults = MemberConfiguration.defaults.merging([
        "rules.file": "", "webhook.url": "", "webhook.timeout": "5s", "webhook.attempts": 10,
    ]) { _, own in own }

    /// Reads the settings and the rules.
    /// - Throws: `SettingsError`, `ConfigurationError` or ``RulesError`` that names the key and the way out.
    init(_ settings: Settings) throws {
        let file = try settings.string("rules.file")
        let read = file.isEmpty ? RulesFile() : try RulesFile.read(file)
        rules = read.rules
        policy = read.policy
        let url = try settings.string("webhook.url")
        guard url.isEmpty || url.hasPrefix("http://") || url.hasPrefix("https://") else {
            throw ConfigurationError("webhook.url '\(url)' must begin with http:// or https://, or be empty for none")
        }
        webhookURL = url.isEmpty ? nil : url
        webhookTimeout = try settings.duration("webhook.timeout", in: .milliseconds(100)...(.seconds(60)))
        webhookAttempts = try settings.int("webhook.attempts", in: 1...100)
    }
}
