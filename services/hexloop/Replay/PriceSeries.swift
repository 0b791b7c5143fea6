import FoundationEssentials

/// Daily prices from a CSV file: `Date,Price`, sorted, one line per trading day.
struct PriceSeries: Sendable {
    /// Prices that one observation shows.
    static let windowDays = 10

    /// `YYYY-MM-DD`, rising; as text they sort as days.
    let dates: [String]
    let prices: [Double]

    /// Reads a file.
    /// - Throws: ``CommandError`` that names the line.
    init(path: String) throws(CommandError) {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandError("\(path) cannot be read; name a CSV file with --csv")
        }
        try self.init(csv: String(decoding: data, as: UTF8.self), name: path)
    }

    /// Reads the text of a file.
    init(csv: String, name: String) throws(CommandError) {
        var dates: [String] = []
        var prices: [Double] = []
        for (index, line) in csv.split(whereSeparator: \.isNewline).enumerated() where index > 0 {
            let fields = line.split(separator: ",", omittingEmptySubsequences: false)
            guard fields.count == 2, Self.isDate(fields[0]), let price = Double(fields[1]), price.isFinite else {
                throw CommandError(
                    "\(name):\(index + 1): '\(line)' is not a date and a price such as 2020-04-20,-36.98"
                )
            }
            let date = String(fields[0])
            if let last = dates.last, last >= date {
                throw CommandError("\(name):\(index + 1): \(date) does not come after \(last); sort the file")
            }
            dates.append(date)
            prices.append(price)
        }
        guard dates.count > Self.windowDays else {
            throw CommandError("\(name) has \(dates.count) days; \(Self.windowDays + 1) are the fewest")
        }
        self.dates = dates
        self.prices = prices
    }

    /// Whether the text reads as `YYYY-MM-DD`.
    static func isDate(_ text: some StringProtocol) -> Bool {
        let bytes = Array(text.utf8)
        return bytes.count == 10
            && bytes.enumerated().allSatisfy { index, byte in
                index == 4 || index == 7 ? byte == UInt8(ascii: "-") : (0x30...0x39).contains(byte)
            }
    }

    /// The day's price and those of the days before it, oldest first.
    func window(_ day: Int) -> [Double] { Array(prices[(day - Self.windowDays + 1)...day]) }

    /// Days from `first` to `last`, both included, that have a full window before them.
    func days(from first: String, to last: String) -> Range<Int> {
        let start = max(dates.firstIndex { $0 >= first } ?? dates.count, Self.windowDays - 1)
        let end = dates.lastIndex { $0 <= last }.map { $0 + 1 } ?? 0
        return start..<max(start, end)
    }

    /// The `count` days before `date` that have a full window and a next day.
    func days(_ count: Int, before date: String) -> Range<Int> {
        let end = min(dates.firstIndex { $0 >= date } ?? dates.count, dates.count - 1)
        return max(end - count, Self.windowDays - 1)..<max(end, Self.windowDays - 1)
    }
}
