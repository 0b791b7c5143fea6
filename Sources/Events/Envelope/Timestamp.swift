/// A point in time as microseconds since 1970-01-01T00:00:00Z, written as RFC 3339 in JSON.
///
/// It labels events for people and audits. Order on the bus is the log's sequence, never this.
public struct Timestamp: Sendable, Hashable, Comparable {
    /// Microseconds since the Unix epoch; negative before 1970.
    public var microseconds: Int64

    /// A time that many microseconds after the Unix epoch.
    public init(microseconds: Int64) { self.microseconds = microseconds }

    /// A time that many seconds after the Unix epoch, rounded down to a microsecond; out-of-range values are clamped.
    public init(seconds: Double) {
        let scaled = (seconds * 1e6).rounded(.down)
        microseconds = Int64(exactly: scaled) ?? (scaled < 0 ? .min : .max)
    }

    /// Seconds since the Unix epoch.
    public var seconds: Double { Double(microseconds) / 1e6 }

    /// The time between two stamps.
    public static func - (left: Timestamp, right: Timestamp) -> Duration {
        .microseconds(left.microseconds &- right.microseconds)
    }

    /// Whether the left time is earlier.
    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.microseconds < right.microseconds }
}

extension Timestamp {
    private static let microsecondsPerDay: Int64 = 86_400_000_000

    /// `2020-04-20T18:30:00.250000Z`: always UTC, always six digits of fraction.
    public var rfc3339: String {
        var days = microseconds / Self.microsecondsPerDay
        var rest = microseconds % Self.microsecondsPerDay
        if rest < 0 {
            rest += Self.microsecondsPerDay
            days -= 1
        }
        let (year, month, day) = Self.civil(fromDays: days)
        let second = rest / 1_000_000
        return "\(pad(year, 4))-\(pad(month, 2))-\(pad(day, 2))T\(pad(second / 3600, 2)):\(pad(second / 60 % 60, 2)):"
            + "\(pad(second % 60, 2)).\(pad(rest % 1_000_000, 6))Z"
    }

    /// Reads RFC 3339: `T` or a space between date and time, any number of fraction digits, `Z` or `±hh:mm`.
    ///
    /// A date alone (`2020-04-20`) is its midnight in UTC. Returns nil for everything else.
    public init?(rfc3339 text: String) {
        var scanner = Scanner(text.utf8)
        guard let year = scanner.digits(4), scanner.take("-"), let month = scanner.digits(2), scanner.take("-"),
            let day = scanner.digits(2), (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        let days = Self.days(year: year, month: month, day: day)
        guard Self.civil(fromDays: days) == (year, month, day) else { return nil }
        var micro = days * Self.microsecondsPerDay
        if scanner.atEnd {
            self.init(microseconds: micro)
            return
        }
        guard scanner.take("T") || scanner.take("t") || scanner.take(" "),
            let hour = scanner.digits(2), scanner.take(":"), let minute = scanner.digits(2), scanner.take(":"),
            let second = scanner.digits(2), hour < 24, minute < 60, second <= 60
        else { return nil }
        micro += ((hour * 60 + minute) * 60 + second) * 1_000_000
        if scanner.take(".") {
            guard let fraction = scanner.fraction() else { return nil }
            micro += fraction
        }
        if !(scanner.take("Z") || scanner.take("z")) {
            let sign: Int64 = scanner.take("+") ? 1 : -1
            guard sign == 1 || scanner.take("-"), let hours = scanner.digits(2), scanner.take(":"),
                let minutes = scanner.digits(2), hours < 24, minutes < 60
            else { return nil }
            micro -= sign * (hours * 60 + minutes) * 60_000_000
        }
        guard scanner.atEnd else { return nil }
        self.init(microseconds: micro)
    }

    /// Days from 1970-01-01 in the proleptic Gregorian calendar, by counting from 1 March in 400-year eras.
    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func civil(fromDays days: Int64) -> (Int64, Int64, Int64) {
        let z = days + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }

    private func pad(_ value: Int64, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

extension Timestamp: Codable {
    /// Reads an RFC 3339 string; fails for everything else.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let stamp = Timestamp(rfc3339: text) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "'\(text)' is not an RFC 3339 time such as 2020-04-20T18:30:00Z"
            )
        }
        self = stamp
    }

    /// Writes ``rfc3339``.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rfc3339)
    }
}

private struct Scanner {
    private var rest: ArraySlice<UInt8>

    init(_ text: String.UTF8View) { rest = ArraySlice(Array(text)) }

    var atEnd: Bool { rest.isEmpty }

    mutating func take(_ character: Character) -> Bool {
        guard rest.first == character.asciiValue else { return false }
        rest.removeFirst()
        return true
    }

    mutating func digits(_ count: Int) -> Int64? {
        guard rest.count >= count else { return nil }
        var value: Int64 = 0
        for byte in rest.prefix(count) {
            guard (0x30...0x39).contains(byte) else { return nil }
            value = value * 10 + Int64(byte - 0x30)
        }
        rest.removeFirst(count)
        return value
    }

    /// Microseconds of a decimal fraction; digits after the sixth are dropped.
    mutating func fraction() -> Int64? {
        var value: Int64 = 0
        var count = 0
        while let byte = rest.first, (0x30...0x39).contains(byte) {
            if count < 6 { value = value * 10 + Int64(byte - 0x30) }
            count += 1
            rest.removeFirst()
        }
        guard count > 0 else { return nil }
        for _ in min(count, 6)..<6 { value *= 10 }
        return value
    }
}
