import Events
import Glibc

extension Double {
    /// The number with that many digits after the point.
    func fixed(_ digits: Int) -> String {
        guard isFinite, abs(self) < 1e15 else { return "\(self)" }
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = Int64((abs(self) * scale).rounded())
        let sign = self < 0 && scaled != 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(scaled)" }
        let whole = scaled / Int64(scale)
        let rest = String(scaled % Int64(scale))
        return "\(sign)\(whole)." + String(repeating: "0", count: digits - rest.count) + rest
    }

    /// The number with about three significant digits, for a line of figures.
    var short: String {
        switch abs(self) {
        case let size where size < 1e6 && size == size.rounded(): fixed(0)
        case 100...: fixed(0)
        case 10..<100: fixed(1)
        case 1..<10: fixed(2)
        case 0.01..<1: fixed(3)
        default: fixed(5)
        }
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }

    /// `812 ms`, `1.23 s`, `2 min 05 s`.
    var short: String {
        switch seconds {
        case ..<0: "-" + (Duration.zero - self).short
        case ..<0.9995: "\((seconds * 1000).fixed(0)) ms"
        case ..<100: "\(seconds.fixed(2)) s"
        default: "\(Int(seconds) / 60) min \(Int(seconds) % 60) s"
        }
    }
}

extension Int {
    /// Bytes as `12.3 MB`.
    var megabytes: String { (Double(self) / 1e6).fixed(1) }
}

extension Timestamp {
    /// `14:05:09.123` where the reader is.
    var clock: String {
        let (moment, milliseconds) = local
        return "\(two(moment.tm_hour)):\(two(moment.tm_min)):\(two(moment.tm_sec))."
            + String(1000 + milliseconds).dropFirst()
    }

    /// `2026-01-31 14:05:09` where the reader is.
    var dateAndClock: String {
        let (moment, _) = local
        return "\(moment.tm_year + 1900)-\(two(moment.tm_mon + 1))-\(two(moment.tm_mday)) \(clock.prefix(8))"
    }

    private var local: (tm, Int64) {
        var time = time_t(microseconds / 1_000_000)
        var moment = tm()
        localtime_r(&time, &moment)
        return (moment, max(0, microseconds / 1000 % 1000))
    }

    private func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
}

extension String {
    /// The first digits of a digest or run id.
    var shortID: String { String(prefix(8)) }

    /// The text between tags or in an attribute of a page.
    var escapedForHTML: String {
        replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            .replacing("\"", with: "&quot;")
    }
}
