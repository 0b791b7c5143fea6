import Events
import FoundationEssentials

/// A mail: its header lines and its text, as it goes over the wire. Pure.
struct MailMessage: Sendable, Hashable {
    /// Lines that end with CR LF, none longer than 998 bytes; dots at their beginnings are as they are.
    let bytes: [UInt8]

    /// Characters of an encoded line of the body.
    private static let lineMax = 76
    /// Bytes of text in one encoded word, of which 75 characters are allowed.
    private static let wordBytesMax = 42

    /// - Parameters:
    ///   - threadKey: The same for all mails of an incident: clients show them as one thread.
    init(_ notice: AlertNotice, from: String, to: [String], key: String, threadKey: String) {
        let domain = from.split(separator: "@").last.map(String.init) ?? "hexloop"
        let thread = "<\(Self.token(threadKey))@\(domain)>"
        let id = "<\(Self.token(key))@\(domain)>"
        var lines = [
            "From: Hexloop <\(from)>", "To: \(to.joined(separator: ",\r\n "))",
            "Subject: \(Self.encoded(notice.headline))", "Date: \(Self.date(notice.at))", "Message-ID: \(id)",
            "In-Reply-To: \(thread)", "References: \(thread)", "Auto-Submitted: auto-generated",
            "X-Hexloop-State: \(notice.state.rawValue)", "X-Hexloop-Severity: \(notice.severity.rawValue)",
            "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: base64", "",
        ]
        let text =
            (notice.text ?? notice.detail).split(separator: "\n", omittingEmptySubsequences: false)
            .joined(separator: "\r\n") + "\r\n"
        var body = Substring(Data(text.utf8).base64EncodedString())
        while !body.isEmpty {
            lines.append(String(body.prefix(Self.lineMax)))
            body = body.dropFirst(Self.lineMax)
        }
        bytes = Array((lines.joined(separator: "\r\n") + "\r\n").utf8)
    }

    /// A header's text; what is not plain ASCII in encoded words (RFC 2047).
    static func encoded(_ text: String) -> String {
        let text = text.map { $0.isNewline ? " " : $0 }
        guard !text.allSatisfy({ $0.isASCII && ($0.asciiValue ?? 0) >= 32 && $0 != "\u{7F}" }) || text.count > 900
        else {
            return String(text)
        }
        var words: [String] = []
        var word = ""
        for character in text {
            if word.utf8.count + character.utf8.count > wordBytesMax {
                words.append(word)
                word = ""
            }
            word.append(character)
        }
        if !word.isEmpty { words.append(word) }
        return words.map { "=?utf-8?B?\(Data($0.utf8).base64EncodedString())?=" }.joined(separator: "\r\n ")
    }

    /// `Mon, 20 Apr 2020 18:30:00 +0000`
    static func date(_ time: Timestamp) -> String {
        let text = time.rfc3339
        let days = time.microseconds >= 0 ? time.microseconds / 86_400_000_000 : 0
        let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let parts = text.prefix(10).split(separator: "-")
        guard parts.count == 3, let month = Int(parts[1]), months.indices.contains(month - 1) else { return text }
        return "\(weekdays[Int(days % 7)]), \(parts[2]) \(months[month - 1]) \(parts[0]) "
            + "\(text.dropFirst(11).prefix(8)) +0000"
    }

    /// What may stand before the `@` of a message's id.
    private static func token(_ text: String) -> String {
        String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber || "-._".contains($0)) ? $0 : "-" })
    }
}
