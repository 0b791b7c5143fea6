import Kernels
import Quantization

/// The constants of one operator in C, and the call that runs it.
struct LayerCode {
    private(set) var data = ""
    private(set) var call = ""
    /// The bytes of a patch of the input that the operator takes together; 0 for those that do not.
    private(set) var patchBytes = 0
    private let name: String

    init(_ step: HexagonProgram.Step, number: Int) throws(HexagonCodeError) {
        name = "layer\(number)"
        if !step.name.isEmpty {
            data += "// \(step.name.inComment)\n"
        }
        let values = (step.inputs + [step.output]).map { "value\($0)" }.joined(separator: ", ")
        let isTranslated: Bool
        do throws(KernelError) { isTranslated = try add(step.operation, values) } catch {
            throw HexagonCodeError(step: step.name, reason: "\(error)")
        }
        guard isTranslated else {
            throw HexagonCodeError(
                step: step.name,
                reason: "not translated; convolutions, fully-connected layers, additions, pools and tables are"
            )
        }
    }

    /// - Returns: Whether there is C code for it.
    private mutating func add(_ operation: Operator, _ values: String) throws(KernelError) -> Bool {
        switch operation {
        case .convolution(let operation) where operation.isDepthwise: try add(depthwise: operation, values)
        case .convolution(let operation): try add(convolution: operation, values)
        case .addition(let operation): add(operation, values)
        case .maximumPool(let operation): try add(operation, values)
        case .averagePool(let operation): try add(operation, values)
        case .table(let operation): add(operation, values)
        default: return false
        }
        return true
    }

    private mutating func add(convolution operation: Convolution, _ values: String) throws(KernelError) {
        let output = try operation.shape()
        let weights = WeightRows(operation)
        let groupOutputs = operation.outputChannels / operation.groups
        let steps = (operation.reduction + 3) / 4
        patchBytes = 4 * steps
        var packed: [UInt8] = []
        var channels: [[Channel]] = []
        for group in 0..<operation.groups {
            for first in stride(from: 0, to: groupOutputs, by: 32) {
                let rows = (0..<32).map { first + $0 < groupOutputs ? group * groupOutputs + first + $0 : nil }
                for step in 0..<steps {
                    for row in rows {
                        for k in 4 * step..<4 * step + 4 {
                            packed.append(row.flatMap { k < operation.reduction ? weights.byte($0, k) : nil } ?? 0)
                        }
                    }
                }
                channels.append(rows.map { $0.map { Channel(operation, weights, $0) } ?? Channel() })
            }
        }
        addVectors("weights", packed)
        add(channels: channels)
        data += """
            static const Convolution \(name) = {
                \(CInitializer(operation.input, output, operation.window)), \(operation.outputChannels), \
            \(operation.groups), \(operation.inputZeroPoint), \(weights.zeroPoint.map(Int.init) ?? -1), \
            (const HVX_Vector *)\(name)_weights, (const Channels *)\(name)_channels, \(range(operation.result)), \
            \(givesSums(operation.result))};


            """
        call = "convolve(&\(name), \(values), \(operation.input.channels / operation.groups), \(groupOutputs));"
    }

    private mutating func add(depthwise operation: Convolution, _ values: String) throws(KernelError) {
        let output = try operation.shape()
        let weights = WeightRows(operation)
        let multiplier = operation.outputChannels / operation.groups
        var packed: [UInt8] = []
        var channels: [[Channel]] = []
        var firstInputs: [Int32] = []
        var places: [UInt8] = []
        for first in stride(from: 0, to: operation.outputChannels, by: 128) {
            let rows = (0..<128).map { first + $0 < operation.outputChannels ? first + $0 : nil }
            for tap in 0..<operation.window.taps {
                packed += rows.map { $0.map { weights.byte($0, tap) } ?? 0 }
            }
            for quad in 0..<4 {
                channels.append(
                    (0..<32).map { rows[4 * $0 + quad].map { Channel(operation, weights, $0) } ?? Channel() }
                )
            }
            firstInputs.append(Int32(first / multiplier))
            places += (0..<128).map { UInt8((first + $0) / multiplier - first / multiplier) }
        }
        addVectors("weights", packed)
        add(channels: channels)
        addVectors("places", places)
        data += "static const s32 \(name)_first_inputs[] = {\(firstInputs.map(String.init).joined(separator: ", "))};\n"
        data += """
            static const Depthwise \(name) = {
                \(CInitializer(operation.input, output, operation.window)), \(operation.outputChannels), \(multiplier), \
            \(operation.inputZeroPoint), \(weights.zeroPoint.map(Int.init) ?? -1), (const HVX_Vector *)\(name)_weights, \
            (const Channels *)\(name)_channels, \(name)_first_inputs, (const HVX_Vector *)\(name)_places, \
            \(range(operation.result)), \(givesSums(operation.result))};


            """
        call = "convolve_depthwise(&\(name), \(values));"
    }

    private mutating func add(_ operation: Addition, _ values: String) {
        data += """
            static const Addition \(name) = {\(operation.count), \(operation.aMultiplier), \(operation.bMultiplier), \
            \(operation.aZeroPoint), \(operation.bZeroPoint), \(operation.shift), \
            \(range(operation.zeroPoint, operation.range))};


            """
        call = "add(&\(name), \(values));"
    }

    private mutating func add(_ operation: MaximumPool, _ values: String) throws(KernelError) {
        let output = try operation.shape()
        data += """
            static const Window \(name) = \(CInitializer(operation.input, output, operation.window));
            static const Range \(name)_range = \(range(0, operation.range));


            """
        call = "pool_maximum(&\(name), &\(name)_range, \(values));"
    }

    private mutating func add(_ operation: AveragePool, _ values: String) throws(KernelError) {
        let output = try operation.shape()
        add(channels: operation.counts.channels.map { Array(repeating: Channel(0, $0), count: 32) })
        data += """
            static const AveragePool \(name) = {
                \(CInitializer(operation.input, output, operation.window)), \(operation.inputZeroPoint), \
            \(operation.isUniform ? 0 : 1), (const Channels *)\(name)_channels, \
            \(range(operation.counts.zeroPoint, operation.counts.range))};


            """
        call = "pool_average(&\(name), \(values));"
    }

    private mutating func add(_ operation: ByteTable, _ values: String) {
        addVectors("table", operation.table)
        data += "\n"
        call = "look_up((const HVX_Vector *)\(name)_table, \(operation.count), \(values));"
    }

    // MARK: Constants

    private func range(_ result: Convolution.Output) -> String {
        guard case .bytes(let stage) = result else { return range(0, 0...255) }
        return range(stage.zeroPoint, stage.range)
    }

    private func range(_ zeroPoint: UInt8, _ range: ClosedRange<UInt8>) -> String {
        "{\(zeroPoint), \(range.lowerBound), \(range.upperBound)}"
    }

    private func givesSums(_ result: Convolution.Output) -> Int {
        if case .sums = result { 1 } else { 0 }
    }

    /// Registers of constant bytes, eight to a number.
    private mutating func addVectors(_ suffix: String, _ bytes: [UInt8]) {
        let numbers = stride(from: 0, to: bytes.count, by: 8).map { first in
            bytes[first..<first + 8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        }
        add("\(name)_\(suffix)", "unsigned long long", numbers.map { "0x\(String($0, radix: 16))" })
    }

    /// Five registers for each 32 channels.
    private mutating func add(channels: [[Channel]]) {
        let words = channels.flatMap { block in
            [\Channel.bias, \.left, \.multiplier, \.half, \.right].flatMap { part in block.map { $0[keyPath: part] } }
        }
        // The least number is no literal in C: it is one less than the one before it.
        let texts = words.map { $0 == .min ? "-2147483647 - 1" : String($0) }
        add("\(name)_channels", "s32", texts)
    }

    private mutating func add(_ name: String, _ type: String, _ numbers: [String]) {
        data += "static const \(type) \(name)[] __attribute__((aligned(VECTOR_BYTES))) = {"
        for (index, number) in numbers.enumerated() {
            data += index % 8 == 0 ? "\n    \(number)," : " \(number),"
        }
        data += "\n};\n"
    }
}

/// The integers of one output channel.
private struct Channel {
    var bias: Int32 = 0
    var left: Int32 = 0
    var multiplier: Int32 = 0
    var half: Int32 = 0
    var right: Int32 = 0

    init() {}

    init(_ bias: Int32, _ stage: Requantization?) {
        self.bias = bias
        guard let stage else { return }
        left = stage.leftShift
        multiplier = stage.multiplier
        right = stage.rightShift
        half = right > 0 ? 1 << (right - 1) : 0
    }

    /// The zero point of the input is in the bias: `Σ (x - a)(y - w) = Σ xy - wΣx - aΣy + Kaw`, of which the program
    /// computes the first two.
    init(_ operation: Convolution, _ weights: WeightRows, _ row: Int) {
        let (a, w) = (Int32(operation.inputZeroPoint), Int32(weights.zeroPoint ?? 0))
        let constant = Int32(truncatingIfNeeded: operation.reduction) &* a &* w
        let bias = operation.biases[row] &- a &* weights.sum(row) &+ constant
        guard case .bytes(let stage) = operation.result else {
            self.init(bias, nil)
            return
        }
        self.init(bias, stage.channels[row])
    }
}

/// The weights of a convolution, one row for each output channel.
private struct WeightRows {
    /// That of unsigned weights, nil for signed ones.
    let zeroPoint: UInt8?
    private let bytes: [UInt8]
    private let length: Int

    init(_ operation: Convolution) {
        length = operation.reduction
        switch operation.weights {
        case .int8(let weights):
            bytes = weights.map { UInt8(bitPattern: $0) }
            zeroPoint = nil
        case .uint8(let weights, let zeroPoint):
            bytes = weights
            self.zeroPoint = zeroPoint
        }
    }

    func byte(_ row: Int, _ index: Int) -> UInt8 { bytes[row * length + index] }

    /// Of all weights of a row, wrapping.
    func sum(_ row: Int) -> Int32 {
        bytes[row * length..<(row + 1) * length].reduce(0) {
            $0 &+ (zeroPoint == nil ? Int32(Int8(bitPattern: $1)) : Int32($1))
        }
    }
}

/// A window over a feature map as the C structure `Window`.
private struct CInitializer: CustomStringConvertible {
    let description: String

    init(_ input: FeatureMap, _ output: FeatureMap, _ window: Window) {
        let numbers = [
            input.height, input.width, input.channels, output.height, output.width, window.height, window.width,
            window.strideY, window.strideX, window.dilationY, window.dilationX, window.padding.top, window.padding.left,
        ]
        description = "{\(numbers.map(String.init).joined(separator: ", "))}"
    }
}
