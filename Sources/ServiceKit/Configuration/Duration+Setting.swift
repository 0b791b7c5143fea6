extension Duration {
    /// Reads a number with a unit, such as `500ms`, `30s`, `1.5h`; nil when the unit is missing or the number is
    /// negative, not finite or longer than a year's worth of settings could need.
    public init?(settingText text: String) {
        let units: [(suffix: String, seconds: Double)] = [
            ("us", 1e-6), ("ms", 1e-3), ("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400),
        ]
        guard let unit = units.first(where: { text.hasSuffix($0.suffix) }),
            let number = Double(text.dropLast(unit.suffix.count)),
            number >= 0, number * unit.seconds <= Self.settingSecondsMax
        else { return nil }
        // Whole microseconds are exact where a fraction of seconds as Double would not be.
        self = .microseconds(Int64((number * unit.seconds * 1e6).rounded()))
    }

    private static let settingSecondsMax = 1e9
}
