/// What a batch of values is compared with, kept as sketches: a fixed stretch, the newest before it, or the same phase
/// of earlier seasons.
///
/// Values are gathered into batches; when one is full it is compared with its reference and then becomes part of it
/// where the reference moves. A batch that drifted becomes no part of a moving reference unless ``adoptsDrift``: slow
/// decay would else teach the reference that it is usual.
public struct ReferenceWindow: Codable, Sendable, Hashable {
    /// Which reference.
    public enum Kind: Codable, Sendable, Hashable {
        /// The first batches, for ever.
        case fixed(batches: Int)
        /// The newest batches but for `gap` of them, which a slow change would be in as well.
        case sliding(batches: Int, gap: Int)
        /// Batches of the same phase, such as the hour of a day, in the newest seasons.
        case seasonal(phases: Int, seasons: Int)
    }

    /// A comparison of one batch.
    public struct Comparison: Codable, Sendable, Hashable {
        /// Number of the batch, from 0.
        public var batch: Int
        /// Phase of the batch.
        public var phase: Int
        /// Values in the reference.
        public var referenceCount: Int
        /// The Kolmogorov-Smirnov distance and how likely it is when nothing changed.
        public var result: TestResult
        /// Whether it is called a drift.
        public var isDrift: Bool
    }

    /// Which reference.
    public let kind: Kind
    /// Values of a batch.
    public let batchSize: Int
    /// The probability under which a batch drifted.
    public let alpha: Double
    /// Whether batches that drifted become part of a moving reference.
    public let adoptsDrift: Bool
    /// Batches so far.
    public private(set) var batches = 0

    private let sketchSize: Int
    private var current: QuantileSketch
    private var currentPhase = 0
    private var kept: [[QuantileSketch]]

    /// Begins without values.
    /// - Precondition: All counts are 1 or more, `gap` 0 or more, and `alpha` is in 0...1.
    public init(
        _ kind: Kind,
        batchSize: Int,
        alpha: Double = 0.001,
        adoptsDrift: Bool = false,
        sketchSize: Int = 256
    ) {
        precondition(batchSize >= 1 && (0...1).contains(alpha), "no batch")
        switch kind {
        case .fixed(let batches): precondition(batches >= 1, "no reference")
        case .sliding(let batches, let gap): precondition(batches >= 1 && gap >= 0, "no reference")
        case .seasonal(let phases, let seasons): precondition(phases >= 1 && seasons >= 1, "no reference")
        }
        self.kind = kind
        self.batchSize = batchSize
        self.alpha = alpha
        self.adoptsDrift = adoptsDrift
        self.sketchSize = sketchSize
        current = QuantileSketch(k: sketchSize)
        if case .seasonal(let phases, _) = kind {
            kept = Array(repeating: [], count: phases)
        } else {
            kept = [[]]
        }
    }

    /// Adds the next value; NaN is left out.
    ///
    /// - Parameter phase: For a seasonal reference, 0 up to its phases. A value of another phase ends the batch early,
    ///   so that no batch has two phases.
    /// - Returns: The comparison of the batch that this value ended; nil as well while there is no reference yet.
    public mutating func add(_ value: Double, phase: Int = 0) -> Comparison? {
        let phase = kept.count > 1 ? min(kept.count - 1, max(0, phase)) : 0
        var ended: Comparison?
        if phase != currentPhase, current.count > 0 { ended = endBatch() }
        currentPhase = phase
        current.add(value)
        if current.count >= batchSize { ended = endBatch() }
        return ended
    }

    private mutating func endBatch() -> Comparison? {
        defer {
            batches += 1
            current = QuantileSketch(k: sketchSize, seed: UInt64(batches))
        }
        guard let reference = reference() else {
            keep()
            return nil
        }
        let result = QuantileSketch.test(reference, current)
        let isDrift = result.pValue < alpha
        let comparison = Comparison(
            batch: batches,
            phase: currentPhase,
            referenceCount: reference.count,
            result: result,
            isDrift: isDrift
        )
        if !isDrift || adoptsDrift { keep() }
        return comparison
    }

    /// All batches of the reference together; nil while there are too few.
    private func reference() -> QuantileSketch? {
        let parts: ArraySlice<QuantileSketch>
        switch kind {
        case .fixed(let batches):
            guard kept[0].count == batches else { return nil }
            parts = kept[0][...]
        case .sliding(let batches, let gap):
            guard kept[0].count >= batches + gap else { return nil }
            parts = kept[0].prefix(batches)
        case .seasonal:
            guard !kept[currentPhase].isEmpty else { return nil }
            parts = kept[currentPhase][...]
        }
        guard var reference = parts.first else { return nil }
        for part in parts.dropFirst() { reference.merge(part) }
        return reference
    }

    private mutating func keep() {
        switch kind {
        case .fixed(let batches):
            if kept[0].count < batches { kept[0].append(current) }
        case .sliding(let batches, let gap):
            kept[0].append(current)
            if kept[0].count > batches + gap { kept[0].removeFirst() }
        case .seasonal(_, let seasons):
            kept[currentPhase].append(current)
            if kept[currentPhase].count > seasons { kept[currentPhase].removeFirst() }
        }
    }
}
