/// The fast Hoeffding detector: the mean of a sliding window falls under its best by more than Hoeffding allows.
///
/// - Source: A. Pesaranghader and H. Viktor, Fast Hoeffding drift detection method (2016). It takes what is to stay
///   high: feed it hits, not errors.
public struct FHDDM: Detector {
    /// Values in the window.
    public let window: Int
    /// Probability of a false alarm at one value.
    public let confidence: Double
    /// Values in a second, shorter window; nil without one.
    public let shortWindow: Int?

    private let bound: Double
    private let shortBound: Double
    private var ring: [UInt8] = []
    private var oldest = 0
    private var best = 0.0
    private var shortBest = 0.0
    private var isDone = false

    /// Begins with an empty window.
    /// - Precondition: The windows hold a value at least, and the short one no more than the other.
    public init(window: Int = 100, confidence: Double = 1e-6, shortWindow: Int? = nil) {
        precondition(window > 0 && shortWindow ?? 1 > 0 && shortWindow ?? 1 <= window, "no window")
        self.window = window
        self.confidence = confidence
        self.shortWindow = shortWindow
        bound = (Libm.log(1 / confidence) / Double(2 * window)).squareRoot()
        shortBound = shortWindow.map { (Libm.log(1 / confidence) / Double(2 * $0)).squareRoot() } ?? 1
    }

    /// Looks at the next hit, 0 or 1.
    public mutating func add(_ value: Double) -> DetectorSignal {
        if isDone { self = FHDDM(window: window, confidence: confidence, shortWindow: shortWindow) }
        let bit: UInt8 = value != 0 ? 1 : 0
        if ring.count < window {
            ring.append(bit)
        } else {
            ring[oldest] = bit
            oldest = oldest + 1 == window ? 0 : oldest + 1
        }
        guard ring.count == window else { return .none }
        let mean = Double(ring.reduce(0) { $0 + Int($1) }) / Double(window)
        best = max(best, mean)
        isDone = best - mean > bound
        if let shortWindow {
            var hits = 0
            for step in 1...shortWindow { hits += Int(ring[(oldest + window - step) % window]) }
            let mean = Double(hits) / Double(shortWindow)
            shortBest = max(shortBest, mean)
            isDone = isDone || shortBest - mean > shortBound
        }
        return isDone ? .drift : .none
    }
}
