import Crypto
import Events
import Storage

/// A notice as an HTTP receiver takes it. Pure.
struct SinkRequest: Sendable, Hashable {
    var url: String
    var headers: [(name: String, value: String)]
    var body: [UInt8]

    /// What identifies an attempt to the receiver.
    struct Context: Sendable, Hashable {
        /// The same for every attempt at a notice.
        var idempotencyKey: String
        /// The same for all notices of an incident, and no other's.
        var incidentKey: String
        var site: String
        var now: Timestamp
    }

    /// The request of a kind of sink; nil for those that take none.
    /// - Throws: `EventError` when the notice has no JSON form.
    init?(_ kind: SinkSettings.Kind, _ notice: AlertNotice, _ context: Context) throws(EventError) {
        headers = [
            ("content-type", "application/json"), ("user-agent", "hexloop-alert"),
            ("idempotency-key", context.idempotencyKey),
        ]
        switch kind {
        case .log, .mail: return nil
        case .webhook(let url, let secret):
            self.url = url
            body = try EventCoding.encode(notice)
            if let secret {
                let seconds = context.now.microseconds / 1_000_000
                headers.append((Self.signatureHeader, Self.signature(secret, seconds: seconds, body)))
            }
        case .slack(let url):
            self.url = url
            body = try EventCoding.encode(Slack(notice))
        case .pagerDuty(let url, let key):
            self.url = url
            body = try EventCoding.encode(PagerDuty(notice, key: key, context))
        case .alertmanager(let url):
            self.url = url + "/api/v2/alerts"
            body = try EventCoding.encode(Alertmanager.alerts(notice, context))
        }
    }

    static func == (left: SinkRequest, right: SinkRequest) -> Bool {
        left.url == right.url && left.body == right.body
            && left.headers.map { [$0.name, $0.value] } == right.headers.map { [$0.name, $0.value] }
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(url)
        hasher.combine(body)
    }

    // MARK: Signatures

    static let signatureHeader = "hexloop-signature"

    /// `t=<seconds since 1970>,v1=<HMAC-SHA-256 of "<seconds>.<body>" in hexadecimal>`: the time is part of what is
    /// signed, so that a receiver can refuse what was recorded and is sent again.
    static func signature(_ secret: String, seconds: Int64, _ body: [UInt8]) -> String {
        let key = SymmetricKey(data: Array(secret.utf8))
        let code = HMAC<SHA256>.authenticationCode(for: Array("\(seconds).".utf8) + body, using: key)
        let text = code.map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }
        return "t=\(seconds),v1=\(text.joined())"
    }
}

/// What Slack's incoming webhooks take, and Mattermost's and Discord's `/slack`.
private struct Slack: Encodable {
    struct Attachment: Encodable {
        var color: String
        var text: String
        var fallback: String
    }

    var text: String
    var attachments: [Attachment]

    /// Slack cuts longer texts.
    private static let textCharactersMax = 7_000

    init(_ notice: AlertNotice) {
        let title = Self.escaped(notice.headline)
        text = title
        let color =
            switch (notice.state, notice.severity) {
            case (.resolved, _): "good"
            case (_, .critical): "danger"
            case (_, .warning): "warning"
            case (_, .info): "#439FE0"
            }
        let detail = Self.escaped(String((notice.text ?? notice.detail).prefix(Self.textCharactersMax)))
        attachments = [Attachment(color: color, text: "```\n\(detail)\n```", fallback: title)]
    }

    /// The three characters that Slack gives a meaning.
    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }
}

/// PagerDuty's Events API, version 2.
private struct PagerDuty: Encodable {
    struct Payload: Encodable {
        var summary: String
        var source: String
        var severity: String
        var timestamp: String
        var component: String
        var `class`: String
        var custom_details: AlertNotice
    }

    var routing_key: String
    var event_action: String
    var dedup_key: String
    var client = "Hexloop"
    /// Only a trigger has one.
    var payload: Payload?

    /// PagerDuty cuts longer ones.
    private static let summaryCharactersMax = 1_024

    init(_ notice: AlertNotice, key: String, _ context: SinkRequest.Context) {
        routing_key = key
        dedup_key = context.incidentKey
        switch notice.state {
        case .resolved: event_action = "resolve"
        case .acknowledged: event_action = "acknowledge"
        default:
            event_action = "trigger"
            payload = Payload(
                summary: String("\(notice.headline): \(notice.detail)".prefix(Self.summaryCharactersMax)),
                source: "hexloop/\(context.site)",
                severity: notice.severity.rawValue,
                timestamp: notice.at.rfc3339,
                component: notice.about,
                class: notice.rule,
                custom_details: notice
            )
        }
    }
}

/// An alert as Prometheus sends it to its Alertmanager, version 2 of the interface.
private struct Alertmanager: Encodable {
    var labels: [String: String]
    var annotations: [String: String]
    var startsAt: String
    var endsAt: String

    /// An alert that is not said again in this time counts as over, should this program be gone for good.
    private static let lifetime = Duration.seconds(7 * 86_400)
    private static let testLifetime = Duration.seconds(60)

    /// Every open alert of the incident, and the end of those that were told and are over.
    static func alerts(_ notice: AlertNotice, _ context: SinkRequest.Context) -> [Alertmanager] {
        func alert(_ one: AlertNotice.Other, isOver: Bool) -> Alertmanager {
            let duration = isOver ? .zero : notice.state == .test ? testLifetime : lifetime
            let lasts = Int64(duration / .microseconds(1))
            return Alertmanager(
                labels: [
                    "alertname": one.rule, "severity": one.severity.rawValue, "about": notice.about,
                    "site": context.site, "job": "hexloop",
                ],
                annotations: [
                    "summary": one.title, "description": one.detail, "incident": context.incidentKey,
                    "details": notice.text ?? one.detail,
                ],
                startsAt: one.since.rfc3339,
                endsAt: Timestamp(microseconds: context.now.microseconds + lasts).rfc3339
            )
        }
        let main = AlertNotice.Other(
            rule: notice.rule,
            severity: notice.severity,
            title: notice.title,
            detail: notice.detail,
            since: notice.since ?? notice.at
        )
        return [alert(main, isOver: notice.state == .resolved)]
            + (notice.others ?? []).map { alert($0, isOver: notice.state == .resolved) }
            + (notice.ended ?? []).map { alert($0, isOver: true) }
    }
}
