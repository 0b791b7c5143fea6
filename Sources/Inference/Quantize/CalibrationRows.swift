import ModelGraph
import Quantization

/// Rows such as a model will meet.
struct CalibrationRows {
    let floats: [Float]
    let count: Int
    let width: Int

    /// - Parameter mayBeMissing: Whether there need not be any.
    /// - Throws: ``InferenceError/noCalibrationRows``, ``InferenceError/inputCount(expected:actual:)``, and
    ///   ``InferenceError/nonFiniteInput(row:feature:element:)`` with the name of the graph's input.
    init(_ floats: [Float], rows: Int, of graph: Graph, mayBeMissing: Bool = false) throws(InferenceError) {
        guard rows > 0 || mayBeMissing else { throw .noCalibrationRows }
        let width = graph.inputs.reduce(0) { $0 + $1.shape.reduce(1, *) }
        if let index = firstNonFinite(floats) {
            var element = index % width
            var name = ""
            for input in graph.inputs {
                name = input.name
                let count = input.shape.reduce(1, *)
                if element < count { break }
                element -= count
            }
            throw .nonFiniteInput(row: index / width, feature: name, element: element)
        }
        let (needed, overflow) = rows.multipliedReportingOverflow(by: width)
        guard !overflow, floats.count == needed else {
            throw .inputCount(expected: overflow ? .max : needed, actual: floats.count)
        }
        self.floats = floats
        self.width = width
        count = rows
    }

    private init(floats: [Float], count: Int, width: Int) {
        self.floats = floats
        self.count = count
        self.width = width
    }

    /// At most so many of the rows, evenly spread.
    func sample(_ rowsMax: Int) -> CalibrationRows {
        let rows = max(1, min(count, rowsMax))
        guard rows < count else { return self }
        var chosen: [Float] = []
        chosen.reserveCapacity(rows * width)
        for index in 0..<rows { chosen += self[index * count / rows] }
        return CalibrationRows(floats: chosen, count: rows, width: width)
    }

    /// One row.
    subscript(row: Int) -> ArraySlice<Float> { floats[row * width..<(row + 1) * width] }

    /// Some rows after each other.
    subscript(rows: Range<Int>) -> [Float] { Array(floats[rows.lowerBound * width..<rows.upperBound * width]) }

    /// The range of every value of a graph, all finite.
    ///
    /// - Parameters:
    ///   - method: What the chosen ranges are of all that was seen.
    ///   - progress: Called with the number of rows that are done.
    func observe(
        _ graph: Graph,
        _ interpreter: FloatInterpreter,
        method: RangeMethod,
        progress: (Int) -> Void
    ) throws(InferenceError) -> ObservedRanges {
        var extents: [String: MinMaxObserver] = [:]
        var histograms: [String: ValueHistogram] = [:]
        let last = graph.nodes.last?.output
        _ = try InferenceError.wrapGraph { () throws(GraphError) in
            try interpreter.run(floats, rows: count) { name, elements, rows in
                if method == .minMax {
                    extents[name, default: MinMaxObserver()].observe(elements)
                } else {
                    histograms[name, default: ValueHistogram()].observe(elements)
                }
                if name == last { progress(rows.upperBound) }
            }
        }
        for (name, histogram) in histograms { extents[name] = histogram.extent }
        for node in graph.nodes where extents[node.output]?.nonFiniteCount ?? 0 > 0 {
            throw .nonFiniteValue(node: node.name)
        }
        var ranges = ObservedRanges()
        for (name, extent) in extents {
            guard let min = extent.min, let max = extent.max else { continue }
            ranges.extents[name] = (min, max)
        }
        ranges.chosen = ranges.extents
        for (name, histogram) in histograms where ranges.extents[name] != nil {
            ranges.chosen[name] = try InferenceError.wrapQuantization(node: name) { () throws(QuantizationError) in
                try histogram.range(by: method)
            }
        }
        return ranges
    }
}
