import ModelContainer
import ModelGraph
import Quantization

extension QuantizationReport {
    /// Compares a quantized model with the float values, layer by layer and at the end.
    ///
    /// - Parameters:
    ///   - output: The output of the float model over the calibration rows.
    ///   - values: All values of the float model by name.
    init(
        model: QuantizedModel,
        chain: LayerChain,
        output: [Float],
        values: [String: [Float]],
        calibration: [Float],
        rows: Int
    ) throws(InferenceError) {
        var layers: [Layer] = []
        let reals = try model.run(calibration, rows: rows, engine: .fast) { index, bytes, encoding in
            let (name, value) =
                index < 0
                ? (chain.inputName, chain.layers[0].node.inputs[0])
                : (chain.layers[index].node.name, chain.layers[index].node.output)
            let floats = values[value] ?? []
            layers.append(Layer(name: name, floats: floats, quantized: bytes.map(encoding.dequantize), encoding))
        }
        let last = chain.layers[chain.layers.count - 1].node
        layers.append(Layer(name: last.name, floats: values[last.output] ?? [], quantized: reals, nil))
        let answers = try model.predict(calibration, rows: rows)
        let difference = Difference(output, answers)
        self.init(
            rows: rows,
            maxAbsError: difference.maxAbsError,
            meanAbsError: difference.meanAbsError,
            signalToNoiseDB: difference.signalToNoiseDB,
            layers: layers
        )
    }
}

extension QuantizationReport.Layer {
    /// - Parameter encoding: Nil for sums, which reach every value.
    fileprivate init(name: String, floats: [Float], quantized: [Float], _ encoding: Encoding?) {
        var observer = MinMaxObserver()
        observer.observe(floats)
        // The zero point is rounded, so that an end may lie half a step inside the range that was observed, and
        // rounding reaches another half step.
        let outside =
            encoding.map { encoding in
                floats.count {
                    $0 < encoding.range.lowerBound - encoding.scale || $0 > encoding.range.upperBound + encoding.scale
                }
            } ?? 0
        self.init(
            name: name,
            signalToNoiseDB: Difference(floats, quantized).signalToNoiseDB,
            min: observer.min ?? 0,
            max: observer.max ?? 0,
            saturatedShare: floats.isEmpty ? 0 : Double(outside) / Double(floats.count)
        )
    }
}

/// How far quantized values are from float values, summed in double precision in ascending order.
private struct Difference {
    var maxAbsError = 0.0
    var meanAbsError = 0.0
    var signalToNoiseDB = QuantizationReport.decibelsMax

    init(_ floats: [Float], _ quantized: [Float]) {
        var signal = 0.0
        var noise = 0.0
        for (float, value) in zip(floats, quantized) {
            let error = (Double(float) - Double(value)).magnitude
            maxAbsError = max(maxAbsError, error)
            meanAbsError += error / Double(floats.count)
            signal += Double(float) * Double(float)
            noise += error * error
        }
        guard noise > 0 else { return }
        let decibels = signal > 0 ? 10 * Logarithm.base10(signal / noise) : 0
        signalToNoiseDB = min(decibels, QuantizationReport.decibelsMax)
    }
}

/// A logarithm that gives the same bits on every machine, since the report is part of a content-addressed file.
private enum Logarithm {
    /// `log10 x` for normal `x > 0`, exact to about 1e-9: the exponent, and the series of `artanh` for the significand.
    static func base10(_ x: Double) -> Double {
        let z = (x.significand - 1) / (x.significand + 1)
        var sum = 0.0
        for n in stride(from: 21.0, through: 1.0, by: -2.0) {
            sum = sum * z * z + 1 / n
        }
        return (Double(x.exponent) * 0.693147180559945309 + 2 * z * sum) / 2.302585092994045684
    }
}
