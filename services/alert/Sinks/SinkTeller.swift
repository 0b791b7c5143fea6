import AsyncHTTPClient
import Events
import Logging
import Membership
import NIOCore
import NIOHTTP1
import Storage

/// Hands a notice to a sink, once.
struct SinkTeller: Sendable {
    private static let answerBytesMax = 64 * 1024
    /// What a receiver says of a refusal is repeated up to here.
    private static let answerCharactersMax = 300

    let member: Member
    let client: HTTPClient

    /// - Parameters:
    ///   - key: The same for every attempt at a notice.
    ///   - incident: The same for all notices of an incident.
    func tell(_ notice: AlertNotice, _ settings: SinkSettings, key: String, incident: String) async -> SinkOutcome {
        let site = member.identity.site
        let context = SinkRequest.Context(
            idempotencyKey: "\(member.store.producer)-\(key)",
            incidentKey: "hexloop/\(site)/\(member.store.producer)/\(incident)",
            site: site,
            now: Member.clock()
        )
        switch settings.kind {
        case .log:
            log(notice)
            return .taken
        case .mail(let mail):
            let message = MailMessage(
                notice,
                from: mail.from,
                to: mail.to,
                key: context.idempotencyKey,
                threadKey: context.incidentKey
            )
            return await MailTransport.send(message, mail, name: "hexloop.\(site)", timeout: settings.timeout)
        default:
            do throws(EventError) {
                guard let request = try SinkRequest(settings.kind, notice, context) else {
                    return .refused("this kind of sink takes no request")
                }
                return await post(request, settings)
            } catch { return .refused("\(error)") }
        }
    }

    private func post(_ one: SinkRequest, _ settings: SinkSettings) async -> SinkOutcome {
        var request = HTTPClientRequest(url: one.url)
        request.method = .POST
        for (name, value) in one.headers { request.headers.add(name: name, value: value) }
        request.body = .bytes(one.body)
        let timeout = TimeAmount.milliseconds(Int64(settings.timeout / .milliseconds(1)))
        do {
            let response = try await client.execute(request, timeout: timeout)
            // Read to the end so that the connection can be used again.
            let answer = try? await response.body.collect(upTo: Self.answerBytesMax)
            guard !(200..<300).contains(response.status.code) else { return .taken }
            let said = answer.map { String(buffer: $0).prefix(Self.answerCharactersMax) } ?? ""
            let reason = "it answered \(response.status.code)\(said.isEmpty ? "" : ": \(said)")"
            // A receiver of one's own may be put right; one of these never takes what it calls wrong.
            if case .pagerDuty = settings.kind, response.status.code == 400 { return .refused(reason) }
            return .failed(reason)
        } catch {
            return .failed("\(error)")
        }
    }

    private func log(_ notice: AlertNotice) {
        let metadata: Logger.Metadata = [
            "alert.id": "\(notice.alert)", "alert.severity": "\(notice.severity)", "alert.title": "\(notice.title)",
            "alert.detail": "\(notice.detail)", "alert.state": "\(notice.state)",
            "alert.others": "\((notice.others ?? []).map(\.rule).joined(separator: ", "))",
        ]
        switch (notice.state, notice.severity) {
        case (.resolved, _):
            let repeats: Logger.Metadata = ["alert.repeats": "\(notice.repeats)"]
            member.logger.notice("alert resolved", metadata: metadata.merging(repeats) { first, _ in first })
        case (.acknowledged, _): member.logger.notice("alert acknowledged", metadata: metadata)
        case (_, .info): member.logger.notice("alert raised", metadata: metadata)
        case (_, .warning): member.logger.warning("alert raised", metadata: metadata)
        case (_, .critical): member.logger.critical("alert raised", metadata: metadata)
        }
    }
}
