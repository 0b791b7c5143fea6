import Crypto
import Events
import Foundation
import Testing

@testable import AlertApp

/// What the tests of sinks tell.
enum Told {
    static let now = Timestamp(seconds: 1_587_407_400)

    static func alert(_ rule: String, _ severity: Severity, _ title: String) -> Incident.Alert {
        .init(
            rule: rule,
            severity: severity,
            title: title,
            detail: "mae is 2 & <3>",
            since: Timestamp(seconds: 1_587_407_000),
            repeats: 0,
            sinks: []
        )
    }

    static func notice(_ state: AlertNotice.State, title: String = "The champion has decayed") throws -> AlertNotice {
        let telling = Incident.Telling(
            state: state,
            alerts: [alert("decay-detected", .critical, title), alert("model-rejected", .warning, "No")],
            sinks: [],
            end: state == .resolved ? "decay.cleared: fine" : nil,
            ended: [alert("decay-suspected", .warning, "Perhaps")]
        )
        return try #require(AlertNotice(telling, of: 7, about: "oil", at: now, links: ["https://wiki/{about}"]))
    }

    static let context = SinkRequest.Context(
        idempotencyKey: "key-1",
        incidentKey: "hexloop/plant/alert/incident-7",
        site: "plant",
        now: now
    )

    static func request(_ kind: SinkSettings.Kind, _ state: AlertNotice.State) throws -> SinkRequest {
        try #require(try SinkRequest(kind, try notice(state), context))
    }

    static func json(_ request: SinkRequest) throws -> JSONValue {
        try EventCoding.decode(JSONValue.self, from: request.body)
    }
}

@Suite("A notice as receivers take it")
struct SinkRequestTests {
    private func text(_ value: JSONValue?, _ path: String...) -> String? {
        var value = value
        for name in path {
            switch value {
            case .object(let object): value = object[name]
            case .array(let array): value = Int(name).flatMap { array.indices.contains($0) ? array[$0] : nil }
            default: return nil
            }
        }
        guard case .string(let text) = value else { return nil }
        return text
    }

    @Test("A webhook is signed with its time, so that a receiver can tell who sent what when")
    func signature() throws {
        let request = try Told.request(.webhook(url: "https://a", secret: "secret"), .raised)
        let header = try #require(request.headers.first { $0.name == SinkRequest.signatureHeader }?.value)
        let parts = header.split(separator: ",").map { $0.split(separator: "=")[1] }
        #expect(parts[0] == "1587407400")
        let code = HMAC<SHA256>.authenticationCode(
            for: Array("1587407400.".utf8) + request.body,
            using: SymmetricKey(data: Array("secret".utf8))
        )
        #expect(parts[1] == code.map { String(format: "%02x", $0) }.joined())
        // As Python's hmac has it.
        #expect(
            SinkRequest.signature("key", seconds: 1, Array("body".utf8))
                == "t=1,v1=91b5374b153842ad05b2c4eab9349b8321b14703165bd3fb8b034dfb8be98ae5"
        )
        let plain = try Told.request(.webhook(url: "https://a", secret: nil), .raised)
        #expect(!plain.headers.contains { $0.name == SinkRequest.signatureHeader })
        #expect(text(try Told.json(plain), "links", "0") == "https://wiki/oil")
    }

    @Test("Slack gets a line, a colour and the whole as it stands")
    func slack() throws {
        let body = try Told.json(try Told.request(.slack(url: "https://a"), .raised))
        #expect(text(body, "text") == "[critical] The champion has decayed")
        #expect(text(body, "attachments", "0", "color") == "danger")
        #expect(text(body, "attachments", "0", "text")?.contains("mae is 2 &amp; &lt;3&gt;") == true)
        let end = try Told.json(try Told.request(.slack(url: "https://a"), .resolved))
        #expect(text(end, "attachments", "0", "color") == "good")
    }

    @Test("PagerDuty is told of one incident from trigger to resolve under one key")
    func pagerDuty() throws {
        for (state, action) in [
            (AlertNotice.State.raised, "trigger"), (.worsened, "trigger"), (.acknowledged, "acknowledge"),
            (.resolved, "resolve"),
        ] {
            let body = try Told.json(try Told.request(.pagerDuty(url: "https://a", key: "k"), state))
            #expect(text(body, "event_action") == action)
            #expect(text(body, "dedup_key") == "hexloop/plant/alert/incident-7" && text(body, "routing_key") == "k")
            #expect(text(body, "payload", "severity") == (action == "trigger" ? "critical" : nil))
            #expect(text(body, "payload", "component") == (action == "trigger" ? "oil" : nil))
        }
    }

    @Test("Alertmanager gets each alert, with an end for those that are over")
    func alertmanager() throws {
        let request = try Told.request(.alertmanager(url: "http://am:9093"), .worsened)
        #expect(request.url == "http://am:9093/api/v2/alerts")
        let body = try Told.json(request)
        #expect(
            (0..<3).map { text(body, "\($0)", "labels", "alertname") } == [
                "decay-detected", "model-rejected", "decay-suspected",
            ]
        )
        #expect(text(body, "0", "labels", "about") == "oil" && text(body, "0", "labels", "site") == "plant")
        let now = Told.now.rfc3339
        #expect(text(body, "2", "endsAt") == now && (text(body, "0", "endsAt") ?? "") > now)
        let end = try Told.json(try Told.request(.alertmanager(url: "http://am:9093"), .resolved))
        #expect((0..<3).allSatisfy { text(end, "\($0)", "endsAt") == now })
    }
}
