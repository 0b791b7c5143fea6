import ModelContainer
import ModelGraph
import Quantization

extension QuantizationReport {
    /// Compares a quantized model with the float values, value by value and at the end, one row after the other.
    ///
    /// - Parameters:
    ///   - interpreter: Runs the float graph that the model was made of.
    ///   - floatValue: The value of that graph that one of the model stands for.
    ///   - rows: How many of the calibration rows are compared.
    ///   - progress: Called with the number of rows that are done.
    init(
        model: QuantizedModel,
        interpreter: FloatInterpreter,
        floatValue: (String) -> String,
        calibration: [Float],
        rows: Int,
        progress: (Int) -> Void
    ) throws(InferenceError) {
        var session = try model.makeSession()
        let plan = model.plan
        let compared = plan.comparedValues
        var measures = compared.map { _ in ErrorMeasure() }
        var whole = ErrorMeasure()
        let width = model.inputCount
        for row in 0..<rows {
            let input = Array(calibration[row * width..<(row + 1) * width])
            var floats: [String: [Float]] = [:]
            let wanted = Set(compared.map { floatValue(plan.values[$0.value].name) })
            let output = try InferenceError.wrapGraph { () throws(GraphError) in
                try interpreter.run(input, rows: 1) { name, elements, _ in
                    if wanted.contains(name) { floats[name] = elements }
                }
            }
            var quantized: [Int: [Float]] = [:]
            let answer = try session.run(input, rows: 1) { step, memory in
                for entry in compared where entry.step == step {
                    quantized[entry.value] = memory.reals(of: entry.value, plan: plan)
                }
            }
            for (index, entry) in compared.enumerated() {
                let value = plan.values[entry.value]
                measures[index].add(floats[floatValue(value.name)] ?? [], quantized[entry.value] ?? [], value.storage)
            }
            whole.add(output, answer, nil)
            progress(row + 1)
        }
        self.init(
            rows: rows,
            maxAbsError: whole.maxAbsError,
            meanAbsError: whole.meanAbsError,
            signalToNoiseDB: whole.signalToNoiseDB,
            layers: zip(compared, measures).map { $1.layer(name: $0.name) }
        )
    }
}

extension Plan {
    /// The values that a report compares: inputs, and what each step gives but conversions.
    var comparedValues: [(step: Int, value: Int, name: String)] {
        inputs.filter { $0.encoding != nil }.map { (-1, $0.value, values[$0.value].name) }
            + steps.indices.compactMap { index in
                if case .conversion = steps[index].work { return nil }
                return (index, steps[index].output, steps[index].node)
            }
    }

    /// The names of the values that values of 16 bits become when they are narrowed.
    var originals: [String: String] {
        var names: [String: String] = [:]
        for step in steps {
            guard case .conversion(.narrowing) = step.work else { continue }
            names[values[step.inputs[0]].name] = values[step.output].name
        }
        return names
    }
}

/// How far quantized values are from float values, summed in double precision in ascending order.
struct ErrorMeasure {
    private var observer = MinMaxObserver()
    private var count = 0
    private var outside = 0
    private var sumOfErrors = 0.0
    private var signal = 0.0
    private var noise = 0.0
    /// Of the quantized values.
    private var power = 0.0
    private var product = 0.0
    private(set) var maxAbsError = 0.0

    var meanAbsError: Double { count == 0 ? 0 : sumOfErrors / Double(count) }

    var signalToNoiseDB: Double {
        guard noise > 0 else { return QuantizationReport.decibelsMax }
        let decibels = signal > 0 ? 10 * Logarithm.base10(signal / noise) : 0
        return min(decibels, QuantizationReport.decibelsMax)
    }

    var cosine: Double {
        guard signal > 0, power > 0 else { return signal == power ? 1 : 0 }
        return min(1, product / (signal.squareRoot() * power.squareRoot()))
    }

    /// - Parameter storage: How the value stands; nil, or sums, reach every value.
    mutating func add(_ floats: [Float], _ quantized: [Float], _ storage: Plan.Storage?) {
        observer.observe(floats)
        count += floats.count
        for (float, value) in zip(floats, quantized) {
            let error = (Double(float) - Double(value)).magnitude
            maxAbsError = max(maxAbsError, error)
            sumOfErrors += error
            signal += Double(float) * Double(float)
            noise += error * error
            power += Double(value) * Double(value)
            product += Double(float) * Double(value)
        }
        guard case .bytes(let encoding) = storage else { return }
        // The zero point is rounded, so that an end may lie half a step inside the range that was observed, and
        // rounding reaches another half step.
        let low = encoding.range.lowerBound - encoding.scale
        let high = encoding.range.upperBound + encoding.scale
        for float in floats where float < low || float > high { outside += 1 }
    }

    func layer(name: String) -> QuantizationReport.Layer {
        QuantizationReport.Layer(
            name: name,
            signalToNoiseDB: signalToNoiseDB,
            min: observer.min ?? 0,
            max: observer.max ?? 0,
            saturatedShare: count == 0 ? 0 : Double(outside) / Double(count),
            cosine: cosine
        )
    }
}
