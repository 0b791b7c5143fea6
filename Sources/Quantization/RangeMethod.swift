/// How the range that an encoding covers is chosen from the values seen; what lies outside of it saturates.
public enum RangeMethod: Sendable, Hashable, CustomStringConvertible {
    /// Everything seen.
    case minMax
    /// So many of a hundred values: the rest is cut off, half of it at each end.
    ///
    /// As ONNX Runtime's `PercentileCalibrater` does for encodings that are not symmetric.
    case percentile(Double)
    /// The range with the least mean squared error of the values, of which some are cut off and all are rounded.
    ///
    /// The search over ranges of M. Nagel et al., "A White Paper on Neural Network Quantization" (2021), section 3.1,
    /// here for each end in 64 steps.
    case meanSquaredError
    /// The range whose bytes tell most of the distribution: the least Kullback-Leibler divergence of the bytes from the
    /// values.
    ///
    /// After S. Migacz, "8-bit Inference with TensorRT" (2017), with 256 levels that need not be symmetric; both ends
    /// move together in 64 steps.
    case entropy

    /// A name for reports.
    public var description: String {
        switch self {
        case .minMax: "min-max"
        case .percentile(let share): "percentile \(share)"
        case .meanSquaredError: "mse"
        case .entropy: "entropy"
        }
    }
}

extension ValueHistogram {
    /// Ends of a range are tried at so many parts of what was seen.
    private static let steps = 64
    /// The entropy of a range shorter than so many of these parts is not asked for, since too few values have a say.
    private static let entropyStepsMin = 4

    /// The range that an encoding should cover, within what was seen.
    ///
    /// - Throws: ``QuantizationError/noValues`` when nothing finite was seen;
    ///   ``QuantizationError/invalidPercentile(_:)``.
    public func range(by method: RangeMethod) throws(QuantizationError) -> (min: Float, max: Float) {
        guard let min = extent.min, let max = extent.max else { throw .noValues }
        if case .percentile(let share) = method, !(share > 50 && share <= 100) { throw .invalidPercentile(share) }
        guard min < max || min != 0 else { return (min, max) }
        switch method {
        case .minMax: return (min, max)
        case .percentile(let share): return percentile(share, min, max)
        case .meanSquaredError: return try leastError(min, max)
        case .entropy: return try leastDivergence(min, max)
        }
    }

    private func percentile(_ share: Double, _ min: Float, _ max: Float) -> (min: Float, max: Float) {
        let cells = cells(withZeros: true)
        let cut = (100 - share) / 200 * Double(extent.count)
        func firstKept(_ cells: some Sequence<Cell>) -> Cell? {
            var passed = 0.0
            for cell in cells {
                passed += cell.count
                if passed > cut { return cell }
            }
            return nil
        }
        return (
            firstKept(cells).map { Float($0.low) } ?? min, firstKept(cells.reversed()).map { Float($0.high) } ?? max
        )
    }

    // MARK: Mean squared error

    private func leastError(_ min: Float, _ max: Float) throws(QuantizationError) -> (min: Float, max: Float) {
        let cells = cells(withZeros: false)
        let (low, high) = (Swift.min(min, 0), Swift.max(max, 0))
        var best = (low: low, high: high)
        var least = try ValueHistogram.error(of: cells, best)
        func consider(_ range: (low: Float, high: Float)) throws(QuantizationError) {
            let error = try ValueHistogram.error(of: cells, range)
            guard error < least else { return }
            (best, least) = (range, error)
        }
        // One end after the other, and the upper one once more.
        for isUpper in [true, false, true] where isUpper ? high > 0 : low < 0 {
            for step in (1...ValueHistogram.steps).reversed() {
                let part = Float(step) / Float(ValueHistogram.steps)
                try consider(isUpper ? (best.low, high * part) : (low * part, best.high))
            }
        }
        return (best.low, best.high)
    }

    private static func error(
        of cells: [Cell],
        _ range: (low: Float, high: Float)
    ) throws(QuantizationError) -> Double {
        let encoding = try Encoding(min: range.low, max: range.high)
        var sum = 0.0
        for cell in cells {
            let difference = cell.middle - Double(encoding.dequantize(encoding.quantize(Float(cell.middle))))
            sum += difference * difference * cell.count
        }
        return sum
    }

    // MARK: Entropy

    private func leastDivergence(_ min: Float, _ max: Float) throws(QuantizationError) -> (min: Float, max: Float) {
        let cells = cells(withZeros: false)
        let (low, high) = (Swift.min(min, 0), Swift.max(max, 0))
        var best = (min: low, max: high)
        var least = Double.infinity
        for step in (ValueHistogram.entropyStepsMin...ValueHistogram.steps).reversed() {
            let part = Float(step) / Float(ValueHistogram.steps)
            let range = (min: low * part, max: high * part)
            let encoding = try Encoding(min: range.min, max: range.max)
            guard let divergence = ValueHistogram.divergence(of: cells, range, encoding), divergence < least else {
                continue
            }
            (best, least) = (range, divergence)
        }
        return best
    }

    /// Nil when nothing lies inside the range.
    private static func divergence(
        of cells: [Cell],
        _ range: (min: Float, max: Float),
        _ encoding: Encoding
    ) -> Double? {
        let (low, high) = (Double(range.min), Double(range.max))
        guard let first = cells.firstIndex(where: { $0.middle >= low }),
            let last = cells.lastIndex(where: { $0.middle <= high }), first <= last
        else { return nil }
        let inside = cells[first...last]
        // What lies outside saturates.
        let below = cells[..<first].reduce(0) { $0 + $1.count }
        let above = cells[(last + 1)...].reduce(0) { $0 + $1.count }
        let kept = inside.reduce(0) { $0 + $1.count }
        let total = below + kept + above
        var sum = 0.0
        var start = first
        while start <= last {
            let byte = encoding.quantize(Float(cells[start].middle))
            var end = start
            var ofByte = 0.0
            while end <= last, encoding.quantize(Float(cells[end].middle)) == byte {
                ofByte += cells[end].count
                end += 1
            }
            // All that a byte says of its cells is their mean.
            let told = ofByte / Double(end - start) / kept
            for index in start..<end {
                var count = cells[index].count
                if index == first { count += below }
                if index == last { count += above }
                let share = count / total
                sum += share * Logarithm.natural(share / told)
            }
            start = end
        }
        return sum
    }
}
