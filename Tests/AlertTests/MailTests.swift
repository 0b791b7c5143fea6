import ChildProcesses
import Events
import Foundation
import FoundationNetworking
import Glibc
import Testing

@testable import AlertApp

@Suite("A mail")
struct MailMessageTests {
    private func text(_ notice: AlertNotice) -> String {
        let message = MailMessage(notice, from: "loop@example.org", to: ["a@b.c"], key: "k 1", threadKey: "hexloop/7")
        return String(decoding: message.bytes, as: UTF8.self)
    }

    @Test("has the headers that clients look for, and its text in lines that any server takes")
    func headers() throws {
        let text = text(try Told.notice(.raised))
        #expect(text.contains("Subject: [critical] The champion has decayed\r\n"))
        #expect(text.contains("Date: Mon, 20 Apr 2020 18:30:00 +0000\r\n"))
        #expect(text.contains("Message-ID: <k-1@example.org>\r\n"))
        #expect(text.contains("In-Reply-To: <hexloop-7@example.org>\r\n"))
        #expect(text.components(separatedBy: "\r\n").allSatisfy { $0.utf8.count <= 76 && !$0.contains("\n") })
        let body = try #require(text.components(separatedBy: "\r\n\r\n").last)
        let data = try #require(Data(base64Encoded: body.replacingOccurrences(of: "\r\n", with: "")))
        #expect(String(decoding: data, as: UTF8.self).contains("mae is 2 & <3>\r\n"))
    }

    @Test("cannot be given another header by what it is about")
    func injection() throws {
        let text = text(try Told.notice(.raised, title: "x\r\nBcc: evil@example.org\r\n\r\nbody"))
        #expect(!text.contains("\r\nBcc:"))
    }

    @Test("says in words of plain ASCII what is none")
    func encoding() {
        let subject = MailMessage.encoded("Größe über Maß: " + String(repeating: "ä", count: 60))
        let words = subject.components(separatedBy: "\r\n ")
        #expect(words.count > 1 && words.allSatisfy { $0.utf8.count <= 75 && $0.hasPrefix("=?utf-8?B?") })
        let decoded = words.compactMap { Data(base64Encoded: String($0.dropFirst(10).dropLast(2))) }.reduce(Data(), +)
        #expect(String(decoding: decoded, as: UTF8.self).hasPrefix("Größe über Maß: ä"))
    }
}

@Suite("The conversation with a mail server")
struct MailSessionTests {
    private func settings(
        _ security: MailSettings.Security = .none,
        login: Bool = false,
        to: [String] = ["a@b.c"]
    ) -> MailSettings {
        MailSettings(
            host: "mail",
            port: 25,
            security: security,
            login: login ? .init(user: "u", password: "p") : nil,
            from: "f@g.h",
            to: to
        )
    }

    /// Feeds replies, each cut into single bytes, and returns what was done.
    private func run(_ settings: MailSettings, _ replies: [String]) -> [MailSession.Action] {
        var session = MailSession(settings, message: Array("Subject: x\r\n\r\n.hidden\r\n".utf8), name: "me")
        var actions: [MailSession.Action] = []
        for reply in replies {
            for byte in (reply + "\r\n").utf8 { actions += session.receive([byte]) }
            if actions.last == .startTLS { actions += session.secured() }
        }
        return actions
    }

    private func lines(_ actions: [MailSession.Action]) -> [String] {
        actions.compactMap { action in
            guard case .send(let bytes) = action else { return nil }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    @Test("greets, encrypts, greets again, logs in, and hands over a mail with its dots doubled")
    func whole() {
        let actions = run(
            settings(.starttls, login: true),
            [
                "220 hello", "250-mail\r\n250-STARTTLS\r\n250 AUTH LOGIN", "220 go", "250-mail\r\n250 AUTH PLAIN LOGIN",
                "235 in", "250 ok", "250 ok", "354 go on", "250 taken",
            ]
        )
        #expect(
            lines(actions) == [
                "EHLO me\r\n", "STARTTLS\r\n", "EHLO me\r\n", "AUTH PLAIN AHUAcA==\r\n", "MAIL FROM:<f@g.h>\r\n",
                "RCPT TO:<a@b.c>\r\n", "DATA\r\n", "Subject: x\r\n\r\n..hidden\r\n.\r\n", "QUIT\r\n",
            ]
        )
        #expect(actions.last == .finish(refusedRecipients: []))
    }

    @Test("logs in the old way where there is no other")
    func login() {
        let actions = run(
            settings(.tls, login: true),
            ["220 hello", "250-mail\r\n250 AUTH LOGIN", "334 VXNlcg==", "334 UGFzcw==", "235 in"]
        )
        #expect(lines(actions).dropFirst() == ["AUTH LOGIN\r\n", "dQ==\r\n", "cA==\r\n", "MAIL FROM:<f@g.h>\r\n"])
    }

    @Test(
        "knows what may go better later from what never will",
        arguments: [
            (["421 busy"], false), (["220 a", "250 a", "250 a", "450 later"], false),
            (["220 a", "250 a", "250 a", "550 nobody"], true), (["220 a", "250 a", "550 you?"], true),
            (["220 a", "250 a", "250 a", "250 a", "354 a", "552 too much"], true), (["what?"], false),
            (["220 a", "250 a", "250 a", "250 a", "354 a", "451 disk"], false),
        ]
    )
    func failures(_ replies: [String], _ isFinal: Bool) {
        switch run(settings(), replies).last {
        case .fail(.refused): #expect(isFinal)
        case .fail(.failed): #expect(!isFinal)
        default: Issue.record("\(replies) is no failure")
        }
    }

    @Test("sends no password and no mail where TLS was asked for and is not offered, or was spoken into")
    func plainText() {
        let without = run(settings(.starttls, login: true), ["220 a", "250 AUTH PLAIN"])
        #expect(lines(without) == ["EHLO me\r\n"])
        guard case .fail(.refused(let reason)) = without.last else { return #expect(Bool(false)) }
        #expect(reason.contains("STARTTLS"))
        var session = MailSession(settings(.starttls), message: [], name: "me")
        _ = session.receive("220 a\r\n250 STARTTLS\r\n".utf8)
        #expect(
            session.receive("220 go\r\n250 injected\r\n".utf8).contains { if case .fail = $0 { true } else { false } }
        )
    }

    @Test("goes on with the other recipients when one is refused")
    func recipients() {
        let actions = run(
            settings(to: ["no@b.c", "a@b.c"]),
            ["220 a", "250 a", "250 a", "550 who", "250 a", "354 a", "250 a"]
        )
        #expect(actions.last == .finish(refusedRecipients: ["no@b.c"]))
    }

    @Test("survives any bytes, a line without an end, and a server that goes away")
    func noise() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            var session = MailSession(settings(.starttls, login: true), message: [1, 2, 3], name: "me")
            let bytes = (0..<200).map { _ in UInt8.random(in: 0...255, using: &generator) }
            _ = session.receive(bytes)
            _ = session.closed()
        }
        var session = MailSession(settings(), message: [], name: "me")
        #expect(!session.receive([UInt8](repeating: 65, count: MailSession.lineBytesMax + 1)).isEmpty)
        #expect(session.closed().isEmpty)
        var gone = MailSession(settings(), message: [], name: "me")
        guard case .fail(.failed) = gone.closed().first else { return #expect(Bool(false)) }
    }
}

/// Real servers, where the machine has them.
private enum Servers {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The Python of the test environment with aiosmtpd.
    static let python: String? = {
        let path = root.appendingPathComponent(".build-venv/bin/python").path
        let lib = root.appendingPathComponent(".build-venv/lib")
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: lib.path)) ?? []
        let hasServer = versions.contains {
            FileManager.default.fileExists(atPath: lib.appendingPathComponent($0 + "/site-packages/aiosmtpd").path)
        }
        return hasServer && FileManager.default.isExecutableFile(atPath: path) ? path : nil
    }()

    static let alertmanager: String? = ["/usr/bin/prometheus-alertmanager", "/usr/local/bin/alertmanager"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    static let openssl = "/usr/bin/openssl"

    /// A folder that is gone afterwards, and the text of a file in it as soon as it is there.
    static func folder() throws -> String {
        let path = "/tmp/hexloop-alert-\(UInt32.random(in: 0...UInt32.max))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    static func text(_ path: String, of child: ChildProcess) throws -> String {
        while child.isRunning {
            if let text = try? String(contentsOfFile: path, encoding: .utf8), !text.isEmpty { return text }
            sched_yield()
        }
        throw CocoaError(.fileNoSuchFile)
    }
}

@Suite("Mail reaches a real server", .enabled(if: Servers.python != nil, "there is no aiosmtpd in .build-venv"))
struct MailServerTests {
    @Test(
        "with TLS from the start, with STARTTLS, and without",
        .timeLimit(.minutes(1)),
        arguments: ["tls", "starttls", "none"]
    )
    func delivery(_ security: String) async throws {
        let folder = try Servers.folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let certificate = try ChildProcess(
            Servers.openssl,
            arguments: [
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", "\(folder)/key.pem", "-out",
                "\(folder)/cert.pem",
            ],
            output: "\(folder)/openssl.log"
        )
        try #require(certificate.wait() == 0)
        let script = Servers.root.appendingPathComponent("Tests/AlertTests/mail_server.py").path
        let server = try ChildProcess(
            try #require(Servers.python),
            arguments: [script, folder, security],
            environment: ["PYTHONDONTWRITEBYTECODE": "1"],
            output: "\(folder)/server.log"
        )
        defer {
            server.signal(SIGKILL)
            server.wait()
        }
        let port = try #require(Int(try Servers.text("\(folder)/port", of: server)))
        let kind = try #require(MailSettings.Security(rawValue: security))
        var settings = MailSettings(
            host: "localhost",
            port: port,
            security: kind,
            login: kind == .none ? nil : .init(user: "hexloop", password: "secret"),
            from: "loop@example.org",
            to: ["no-one@example.org", "ada@example.org"],
            authorities: "\(folder)/cert.pem"
        )
        let message = MailMessage(
            try Told.notice(.raised),
            from: settings.from,
            to: settings.to,
            key: "k",
            threadKey: "t"
        )
        let outcome = await MailTransport.send(message, settings, name: "test", timeout: .seconds(20))
        #expect(outcome == .taken)
        let mail = try EventCoding.decode(
            [String: JSONValue].self,
            from: Array(try Servers.text("\(folder)/mail-0", of: server).utf8)
        )
        #expect(mail["from"] == .string("loop@example.org") && mail["to"] == .array([.string("ada@example.org")]))
        #expect(mail["tls"] == .bool(kind != .none))
        guard case .string(let data)? = mail["data"] else { return #expect(Bool(false)) }
        #expect(data.contains("Subject: [critical] The champion has decayed"))
        guard kind != .none else { return }
        #expect(mail["user"] == .string("hexloop"))

        settings.login = .init(user: "hexloop", password: "wrong")
        let wrong = await MailTransport.send(message, settings, name: "test", timeout: .seconds(20))
        guard case .refused = wrong else { return #expect(Bool(false), "\(wrong)") }
        settings.login = .init(user: "hexloop", password: "secret")
        settings.authorities = nil
        let untrusted = await MailTransport.send(message, settings, name: "test", timeout: .seconds(20))
        guard case .failed(let reason) = untrusted else { return #expect(Bool(false), "\(untrusted)") }
        #expect(reason.contains("localhost"))
    }
}

@Suite(
    "Debian's Alertmanager takes what is sent",
    .enabled(if: Servers.alertmanager != nil, "there is no prometheus-alertmanager")
)
struct AlertmanagerTests {
    @Test("an incident fires, and is over when it is resolved", .timeLimit(.minutes(1)))
    func incident() async throws {
        let folder = try Servers.folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try "route: {receiver: none}\nreceivers: [{name: none}]\n".write(
            toFile: "\(folder)/am.yml",
            atomically: true,
            encoding: .utf8
        )
        let port = UInt16.random(in: 20_000...32_000)
        let server = try ChildProcess(
            try #require(Servers.alertmanager),
            arguments: [
                "--config.file=\(folder)/am.yml", "--storage.path=\(folder)/data", "--cluster.listen-address=",
                "--web.listen-address=127.0.0.1:\(port)",
            ],
            output: "\(folder)/am.log"
        )
        defer {
            server.signal(SIGKILL)
            server.wait()
        }
        let base = "http://127.0.0.1:\(port)"
        var context = Told.context
        context.now = Timestamp(seconds: Date().timeIntervalSince1970)
        func post(_ state: AlertNotice.State) async throws -> Int {
            let one = try #require(try SinkRequest(.alertmanager(url: base), try Told.notice(state), context))
            var request = URLRequest(url: try #require(URL(string: one.url)))
            request.httpMethod = "POST"
            for (name, value) in one.headers { request.setValue(value, forHTTPHeaderField: name) }
            request.httpBody = Data(one.body)
            let (_, response) = try await URLSession.shared.data(for: request)
            return (response as? HTTPURLResponse)?.statusCode ?? 0
        }
        var status = try? await post(.raised)
        while status == nil, server.isRunning { status = try? await post(.raised) }
        #expect(status == 200)
        func firing() async throws -> Set<String> {
            let url = try #require(URL(string: "\(base)/api/v2/alerts?active=true"))
            let (data, _) = try await URLSession.shared.data(from: url)
            let alerts = try EventCoding.decode([JSONValue].self, from: Array(data))
            return Set(
                alerts.compactMap { alert in
                    guard case .object(let object) = alert, case .object(let labels)? = object["labels"],
                        case .string(let name)? = labels["alertname"]
                    else { return nil }
                    return name
                }
            )
        }
        var names = try await firing()
        while names != ["decay-detected", "model-rejected"] { names = try await firing() }
        context.now = Timestamp(seconds: Date().timeIntervalSince1970)
        #expect(try await post(.resolved) == 200)
        while !names.isEmpty { names = try await firing() }
    }
}
