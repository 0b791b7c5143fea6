/// What a value changed.
public enum DetectorSignal: UInt8, Codable, Sendable, Hashable {
    /// Nothing.
    case none
    /// The detector is in its warning zone.
    case warning
    /// Drift. The detector begins anew with the next value.
    case drift
}

/// A detector that looks at one value after the other.
///
/// It reads no clock and draws nothing from outside. Encode it to keep it over a restart: the decoded value gives the
/// same signals. The published detectors answer as river 0.26 does.
public protocol Detector: Codable, Sendable, Hashable {
    /// Looks at the next value.
    ///
    /// - Parameter value: Finite. Detectors of errors take 0 for a right answer and 1 for a wrong one.
    mutating func add(_ value: Double) -> DetectorSignal
}

extension Detector {
    /// Looks at many values and gives the indexes where drift was found.
    public mutating func drifts(in values: some Sequence<Double>) -> [Int] {
        var found: [Int] = []
        for (index, value) in values.enumerated() where add(value) == .drift { found.append(index) }
        return found
    }
}
