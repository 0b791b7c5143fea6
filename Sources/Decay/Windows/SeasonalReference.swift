/// Values of a feature by the part of a season, such as the hour of a day: each part is compared with the same part of
/// earlier seasons.
///
/// Values are counted in bins between the deciles of a first reference, the same bins for all parts.
public struct SeasonalReference: Codable, Sendable, Hashable {
    /// Parts of a season.
    public static let slots = 24
    /// Values, as far as they are independent, that earlier seasons and the part need for a comparison.
    static let valuesMin = (before: 50, now: 20)

    private var edges: [Double] = []
    private var counts: [UInt32] = []
    private var now: [UInt32] = []

    /// Begins without values.
    public init() {}

    /// Counts the value in the present part.
    /// - Parameter reference: Says where the bins are, once it has ``ReferenceWindow/valuesMin`` values; until then
    ///   nothing is counted.
    public mutating func count(_ value: Double, bins reference: QuantileSketch) {
        if edges.isEmpty {
            guard reference.count >= ReferenceWindow.valuesMin else { return }
            edges = DecileBins(reference).edges
            counts = Array(repeating: 0, count: Self.slots * DecileBins.count)
            now = Array(repeating: 0, count: DecileBins.count)
        }
        now[edges.firstIndex { value <= $0 } ?? edges.count] += 1
    }

    /// A part is over, and joins what earlier seasons had there.
    ///
    /// - Parameters:
    ///   - slot: Its number, 0 up to ``slots``.
    ///   - dependence: So many values say as much as one independent one, see ``SerialDependence/factor``.
    /// - Returns: The probability of such a difference from earlier seasons when nothing changed; 1 where it cannot be
    ///   told.
    public mutating func endSlot(_ slot: Int, dependence: Double) -> Double {
        guard !edges.isEmpty else { return 1 }
        let place = slot * DecileBins.count
        let before = counts[place..<(place + DecileBins.count)]
        let (n, m) = (before.reduce(0, +), now.reduce(0, +))
        var p = 1.0
        let (effectiveBefore, effectiveNow) = (Int(Double(n) / dependence), Int(Double(m) / dependence))
        if effectiveBefore >= Self.valuesMin.before, effectiveNow >= Self.valuesMin.now {
            let (shares, sharesNow) = (before.map { Double($0) / Double(n) }, now.map { Double($0) / Double(m) })
            p = SizeAwareStability.test(shares, effectiveBefore, sharesNow, effectiveNow).pValue
        }
        for bin in 0..<DecileBins.count {
            counts[place + bin] &+= now[bin]
            now[bin] = 0
        }
        return p
    }
}
