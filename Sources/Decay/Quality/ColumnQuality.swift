/// Shares of a column's values that should not be there.
public enum ColumnQuality {
    /// The share of values that are NaN; 0 without values.
    public static func missingShare(_ values: some Collection<Double>) -> Double {
        share(values, isMissingCounted: true) { $0.isNaN }
    }

    /// The share of all values that are there and bad; 0 without values.
    public static func share(_ values: some Collection<Double>, isBad: (Double) -> Bool) -> Double {
        share(values, isMissingCounted: false, isBad)
    }

    private static func share(
        _ values: some Collection<Double>,
        isMissingCounted: Bool,
        _ isBad: (Double) -> Bool
    ) -> Double {
        guard !values.isEmpty else { return 0 }
        let bad = values.reduce(0) { $0 + ((isMissingCounted || !$1.isNaN) && isBad($1) ? 1 : 0) }
        return Double(bad) / Double(values.count)
    }
}
