import FoundationEssentials

/// One conversation with a mail server (RFC 5321, 3207, 4954). A value without I/O: it is fed what the server says and
/// says what is to be done.
struct MailSession: Sendable {
    enum Action: Sendable, Hashable {
        case send([UInt8])
        /// The connection is to speak TLS from now on; then ``secured()``.
        case startTLS
        /// The mail is taken; those recipients are not among its receivers.
        case finish(refusedRecipients: [String])
        case fail(SinkOutcome)
    }

    /// Bytes of a line that a server may say; more ends the conversation.
    static let lineBytesMax = 4_096
    /// Lines of one reply.
    static let replyLinesMax = 100

    private enum State: Sendable, Hashable {
        case greeting, hello, startTLS, securing, plain, loginUser, loginPassword, loginEnd
        case sender
        case recipient(Int)
        case data, message, over
    }

    private let settings: MailSettings
    private let message: [UInt8]
    private let name: String
    private var state = State.greeting
    private var isSecured: Bool
    private var buffer: [UInt8] = []
    private var lines: [String] = []
    private var refused: [String] = []
    private var refusal: (code: Int, text: String)?
    private var mechanisms: Set<String> = []

    /// - Parameters:
    ///   - name: How this side calls itself to the server.
    ///   - message: Lines that end with CR LF.
    init(_ settings: MailSettings, message: [UInt8], name: String) {
        self.settings = settings
        self.message = message
        self.name = name
        isSecured = settings.security == .tls
    }

    /// Takes what the server says, cut anywhere.
    mutating func receive(_ bytes: some Sequence<UInt8>) -> [Action] {
        guard state != .over else { return [] }
        buffer += bytes
        var actions: [Action] = []
        while state != .over, let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
            var line = buffer[..<end]
            if line.last == UInt8(ascii: "\r") { line = line.dropLast() }
            let text = String(decoding: line, as: UTF8.self)
            buffer.removeSubrange(...end)
            actions += take(text)
        }
        if state != .over, buffer.count > Self.lineBytesMax {
            actions.append(fail("said a line without an end", false))
        }
        return actions
    }

    /// The connection speaks TLS now.
    mutating func secured() -> [Action] {
        guard state == .securing else { return [] }
        isSecured = true
        return say("EHLO \(name)", .hello)
    }

    /// The server is gone.
    mutating func closed() -> [Action] {
        state == .over ? [] : [fail("closed the connection", false)]
    }

    private mutating func take(_ line: String) -> [Action] {
        lines.append(line)
        guard lines.count <= Self.replyLinesMax else { return [fail("said too much at once", false)] }
        guard let code = Int(line.prefix(3)), (200..<600).contains(code), line.prefix(3).count == 3 else {
            return [fail("said '\(line.prefix(100))', which is no reply", false)]
        }
        if line.dropFirst(3).first == "-" { return [] }
        let reply = lines.map { $0.dropFirst(4) }
        lines = []
        return answer(code, reply)
    }

    private mutating func answer(_ code: Int, _ reply: [Substring]) -> [Action] {
        func text() -> String { "\(code) \(reply.joined(separator: " ").prefix(200))" }
        guard code != 421 else { return [fail("said \(text())", false)] }
        if case .recipient(let index) = state { return recipient(index, code, text()) }
        guard expected.contains(code) else { return [fail("said \(text())", code >= 500)] }
        switch state {
        case .greeting: return say("EHLO \(name)", .hello)
        case .hello: return hello(reply)
        case .startTLS:
            // What came before the encryption might be another's.
            guard buffer.isEmpty else { return [fail("spoke before the encryption began", false)] }
            state = .securing
            return [.startTLS]
        case .plain, .loginEnd: return mail()
        case .loginUser: return say(Self.base64(settings.login?.user ?? ""), .loginPassword)
        case .loginPassword: return say(Self.base64(settings.login?.password ?? ""), .loginEnd)
        case .sender: return say("RCPT TO:<\(settings.to[0])>", .recipient(0))
        case .data:
            state = .message
            return [.send(Self.stuffed(message) + Array(".\r\n".utf8))]
        case .message:
            state = .over
            return [.send(Array("QUIT\r\n".utf8)), .finish(refusedRecipients: refused)]
        case .recipient, .securing, .over: return []
        }
    }

    private var expected: Set<Int> {
        switch state {
        case .greeting, .startTLS: [220]
        case .hello, .sender, .message: [250]
        case .plain, .loginEnd: [235]
        case .loginUser, .loginPassword: [334]
        case .data: [354]
        case .recipient, .securing, .over: []
        }
    }

    private mutating func hello(_ reply: [Substring]) -> [Action] {
        let words = reply.map { $0.uppercased().split(separator: " ").map(String.init) }
        mechanisms = Set(words.filter { $0.first == "AUTH" }.flatMap { $0.dropFirst() })
        if settings.security == .starttls, !isSecured {
            guard words.contains(["STARTTLS"]) else {
                return [fail("offers no STARTTLS; set 'security' to tls, or to none for a relay on this machine", true)]
            }
            return say("STARTTLS", .startTLS)
        }
        guard let login = settings.login else { return mail() }
        if mechanisms.contains("PLAIN") {
            return say("AUTH PLAIN " + Self.base64("\0\(login.user)\0\(login.password)"), .plain)
        }
        if mechanisms.contains("LOGIN") { return say("AUTH LOGIN", .loginUser) }
        let offered = mechanisms.sorted().joined(separator: ", ")
        return [fail("offers to log in by \(offered.isEmpty ? "nothing" : offered); PLAIN or LOGIN is needed", true)]
    }

    private mutating func mail() -> [Action] { say("MAIL FROM:<\(settings.from)>", .sender) }

    /// One recipient who is refused does not keep the mail from the others.
    private mutating func recipient(_ index: Int, _ code: Int, _ text: String) -> [Action] {
        if ![250, 251].contains(code) {
            refused.append(settings.to[index])
            // What may go better later decides, should nobody be left.
            if refusal == nil || code < 500 { refusal = (code, text) }
        }
        if index + 1 < settings.to.count { return say("RCPT TO:<\(settings.to[index + 1])>", .recipient(index + 1)) }
        if refused.count == settings.to.count, let refusal {
            return [fail("takes no recipient: \(refusal.text)", refusal.code >= 500)]
        }
        return say("DATA", .data)
    }

    private mutating func say(_ line: String, _ next: State) -> [Action] {
        state = next
        return [.send(Array((line + "\r\n").utf8))]
    }

    private mutating func fail(_ reason: String, _ isFinal: Bool) -> Action {
        state = .over
        let text = "the mail server \(settings.host) \(reason)"
        return .fail(isFinal ? .refused(text) : .failed(text))
    }

    private static func base64(_ text: String) -> String { Data(text.utf8).base64EncodedString() }

    /// A line that begins with a dot gets another one before it.
    private static func stuffed(_ message: [UInt8]) -> [UInt8] {
        var (bytes, isLineStart) = ([UInt8](), true)
        bytes.reserveCapacity(message.count + 16)
        for byte in message {
            if isLineStart, byte == UInt8(ascii: ".") { bytes.append(byte) }
            bytes.append(byte)
            isLineStart = byte == UInt8(ascii: "\n")
        }
        return bytes
    }
}
