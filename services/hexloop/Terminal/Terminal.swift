import FoundationEssentials
import Glibc
import Synchronization

/// Standard output: whole lines, and below them, on a screen, one line that is drawn anew.
final class Terminal: Sendable {
    /// How a piece of text stands out on a screen.
    enum Style: String, Sendable {
        case plain = ""
        case bold = "1"
        case dim = "2"
        case red = "31"
        case green = "32"
        case yellow = "33"
        case cyan = "36"
    }

    /// Whether somebody looks at it, rather than a file or a pipe.
    let isScreen: Bool
    private let hasColours: Bool
    private let bar = Mutex("")

    init() {
        isScreen = isatty(STDOUT_FILENO) == 1
        let environment = ProcessInfo.processInfo.environment
        hasColours = isScreen && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    }

    /// The text in that style; plain where colours are not wanted.
    func paint(_ text: String, _ style: Style) -> String {
        hasColours && style != .plain ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }

    /// Writes a line above the bar.
    func line(_ text: String = "") {
        bar.withLock { bar in
            Self.write(bar.isEmpty ? "\(text)\n" : "\r\u{1B}[K\(text)\n\(bar)")
        }
    }

    /// Replaces the bar; an empty text removes it. Not for files and pipes.
    func setBar(_ text: String) {
        guard isScreen else { return }
        bar.withLock { bar in
            guard bar != text else { return }
            bar = text
            Self.write("\r\u{1B}[K\(text)")
        }
    }

    /// Empties the screen, for a page that is shown anew.
    func clear() { if isScreen { Self.write("\u{1B}[H\u{1B}[J") } }

    /// Columns of the screen, for the bar's width.
    var columns: Int {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// Writes a line to standard error.
    static func complain(_ text: String) { write("\(text)\n", to: STDERR_FILENO) }

    private static func write(_ text: String, to descriptor: Int32 = STDOUT_FILENO) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            // A reader that is gone, such as `head`, is not worth an error.
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}
