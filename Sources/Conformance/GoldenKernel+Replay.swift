public import Kernels
import Quantization

extension GoldenKernel {
    /// Where an implementation gave other bytes than the recording.
    public struct Difference: Sendable, Hashable, CustomStringConvertible {
        /// Who: `reference`, or a variant of the fast kernels and the way it chose.
        public let implementation: String
        /// The tensor that differs.
        public let tensor: String
        /// The first byte of it that does; the length where one of them ends first.
        public let offset: Int
        /// The byte that the recording has there, if any.
        public let expected: UInt8?
        /// The byte that was computed, if any.
        public let actual: UInt8?

        /// The difference in one line.
        public var description: String {
            func text(_ byte: UInt8?) -> String { byte.map { "\($0)" } ?? "nothing" }
            return "\(implementation): \(tensor) byte \(offset) is \(text(actual)), recorded \(text(expected))"
        }
    }

    /// Computes the case anew by every implementation that runs here.
    ///
    /// - Parameter record: The contents of ``file``.
    /// - Returns: The differences; none when all bytes are equal.
    /// - Throws: ``GoldenError``.
    public func replay(_ record: [UInt8]) throws(GoldenError) -> [Difference] {
        do {
            let outcomes = try outcomes(record)
            if let missing = Set(outputs).subtracting(outcomes.map(\.tensor)).min() {
                throw GoldenError.unfit("nothing computes its output '\(missing)'")
            }
            guard !outcomes.isEmpty else { throw GoldenError.unfit("it has no output") }
            return outcomes.compactMap { outcome in
                let (expected, actual) = (outcome.expected, outcome.actual)
                guard expected != actual else { return nil }
                let same = zip(expected, actual).prefix { $0 == $1 }.count
                return Difference(
                    implementation: outcome.implementation,
                    tensor: outcome.tensor,
                    offset: same,
                    expected: same < expected.count ? expected[same] : nil,
                    actual: same < actual.count ? actual[same] : nil
                )
            }
        } catch let error as GoldenError {
            throw error
        } catch {
            throw .unfit("\(error)")
        }
    }

    /// One tensor as recorded and as an implementation computed it.
    private struct Outcome {
        let implementation: String
        let tensor: String
        let expected: [UInt8]
        let actual: [UInt8]
    }

    private func outcomes(_ record: [UInt8]) throws -> [Outcome] {
        switch kernel {
        case "matmul": try matmul(record)
        case "dwconv3x3": try depthwise(record)
        case "conv3x3": try convolution(record)
        case "requant": try requantization(record)
        case "qadd": try addition(record)
        case "lut256": try run(.table(ByteTable(count: number("n"), table: bytes("table", of: record))), record)
        case "maxpool": try run(.maximumPool(MaximumPool(input: map(), window: pool())), record)
        case "avgpool": try averagePool(record)
        default: throw GoldenError.unknownKernel(kernel)
        }
    }

    /// An operator with one input against the recorded output.
    private func run(
        _ operation: Operator,
        _ record: [UInt8],
        rows: Int = 1,
        input: [UInt8]? = nil,
        tensor: String = "output"
    ) throws -> [Outcome] {
        let inputs = [try input ?? bytes("input", of: record)]
        let expected = try bytes(tensor, of: record)
        var outcomes = [
            Outcome(
                implementation: "reference",
                tensor: tensor,
                expected: expected,
                actual: try operation.reference(inputs, rows: rows)
            )
        ]
        for variant in KernelVariant.available {
            let prepared = try PreparedOperator(operation, variant: variant)
            outcomes.append(
                Outcome(
                    implementation: "\(variant.rawValue), \(prepared.path)",
                    tensor: tensor,
                    expected: expected,
                    actual: try prepared(inputs, rows: rows)
                )
            )
        }
        return outcomes
    }
}

/// Convolutions and what follows their sums.
extension GoldenKernel {
    private func matmul(_ record: [UInt8]) throws -> [Outcome] {
        let layer = Convolution.fullyConnected(
            inputs: try number("K"),
            weights: try weights(record) { $0 },
            biases: try words("bias", of: record),
            inputZeroPoint: try integer("input_zero_point"),
            result: .sums
        )
        return try both(layer, record, rows: number("M"))
    }

    /// Weights are recorded as `[height, width, channels]`, packed as `[channels, height, width]`.
    private func depthwise(_ record: [UInt8]) throws -> [Outcome] {
        let window = try window(try shape("weights").prefix(2))
        let biases = try words("bias", of: record)
        let layer = Convolution(
            input: try map(),
            window: window,
            groups: try number("C"),
            weights: try weights(record) { weights in
                guard weights.count == window.taps * biases.count else { throw GoldenError.tensor("weights") }
                return biases.indices.flatMap { channel in
                    (0..<window.taps).map { weights[$0 * biases.count + channel] }
                }
            },
            biases: biases,
            inputZeroPoint: try integer("input_zero_point"),
            result: .sums
        )
        return try both(layer, record, rows: 1)
    }

    private func convolution(_ record: [UInt8]) throws -> [Outcome] {
        let layer = Convolution(
            input: FeatureMap(height: try number("H"), width: try number("W"), channels: try number("Cin")),
            window: try window(try shape("weights").dropFirst().prefix(2)),
            weights: try weights(record) { $0 },
            biases: try words("bias", of: record),
            inputZeroPoint: try integer("input_zero_point"),
            result: .sums
        )
        return try both(layer, record, rows: 1)
    }

    /// The sums and the bytes of a layer.
    private func both(_ layer: Convolution, _ record: [UInt8], rows: Int) throws -> [Outcome] {
        var layer = layer
        layer.result = .sums
        let sums = try run(.convolution(layer), record, rows: rows, tensor: "accumulator")
        layer.result = .bytes(try stage(record))
        return try sums + run(.convolution(layer), record, rows: rows)
    }

    /// Each element has integers of its own, so it is a layer of as many channels, without products: its sums are the
    /// biases.
    private func requantization(_ record: [UInt8]) throws -> [Outcome] {
        let sums = try words("accumulator", of: record)
        let stage = try stage(record)
        let layer = Convolution.fullyConnected(
            inputs: 1,
            weights: .int8([Int8](repeating: 0, count: sums.count)),
            biases: sums,
            inputZeroPoint: 0,
            result: .bytes(stage)
        )
        let scaled = Outcome(
            implementation: "reference",
            tensor: "word_before_narrowing",
            expected: try bytes("word_before_narrowing", of: record),
            actual: try stage.referenceWords(sums, rows: 1)
        )
        return try [scaled] + run(.convolution(layer), record, input: [0])
    }

    private func stage(_ record: [UInt8]) throws -> RequantizeStage {
        let (left, right) = (try words("left_shift", of: record), try words("right_shift", of: record))
        let multipliers = try words("multiplier", of: record)
        guard left.count == multipliers.count, right.count == multipliers.count else {
            throw GoldenError.tensor("multiplier")
        }
        let (low, high): (UInt8, UInt8) = (try integer("out_min"), try integer("out_max"))
        guard low <= high else { throw GoldenError.parameter("out_max") }
        return RequantizeStage(
            channels: try multipliers.indices.map {
                try Requantization(multiplier: multipliers[$0], leftShift: left[$0], rightShift: right[$0])
            },
            zeroPoint: try integer("output_zero_point"),
            range: low...high
        )
    }

    private func weights(_ record: [UInt8], _ order: ([UInt8]) throws -> [UInt8]) throws -> WeightMatrix {
        let bytes = try order(bytes("weights", of: record))
        switch try word("weight_type") {
        case "s8": return .int8(bytes.map { Int8(bitPattern: $0) })
        case "u8": return .uint8(bytes, zeroPoint: try integer("weight_zero_point"))
        default: throw GoldenError.parameter("weight_type")
        }
    }

    private func map() throws(GoldenError) -> FeatureMap {
        FeatureMap(height: try number("H"), width: try number("W"), channels: try number("C"))
    }

    private func window(_ size: ArraySlice<Int>) throws(GoldenError) -> Window {
        guard size.count == 2, let height = size.first, let width = size.last else { throw .tensor("weights") }
        let (stride, pad) = (try number("stride"), try number("pad"))
        return Window(
            height: height,
            width: width,
            strideY: stride,
            strideX: stride,
            padding: Window.Edges(top: pad, left: pad, bottom: pad, right: pad)
        )
    }
}

extension GoldenKernel {
    /// The sums that a case requantizes, how, and the bytes that the recording has for them; nil for a kernel without.
    ///
    /// - Parameter record: The contents of ``file``.
    /// - Throws: ``GoldenError``.
    public func requantization(
        in record: [UInt8]
    ) throws(GoldenError) -> (sums: [Int32], stage: RequantizeStage, bytes: [UInt8])? {
        guard ["matmul", "dwconv3x3", "conv3x3", "requant"].contains(kernel) else { return nil }
        let (sums, bytes) = (try words("accumulator", of: record), try bytes("output", of: record))
        do {
            return (sums, try stage(record), bytes)
        } catch let error as GoldenError {
            throw error
        } catch {
            throw .unfit("\(error)")
        }
    }
}

/// Pools and sums.
extension GoldenKernel {
    private func pool() throws(GoldenError) -> Window {
        let stride = try number("stride")
        return Window(height: try number("kh"), width: try number("kw"), strideY: stride, strideX: stride)
    }

    /// The recorded formula, `min(255, (sum * reciprocal + 32768) >> 16)`, is the requantization by
    /// `reciprocal * 2^15`: `(sum * reciprocal * 2^15 + 2^30) >> 31`.
    private func averagePool(_ record: [UInt8]) throws -> [Outcome] {
        let reciprocal: UInt16 = try integer("reciprocal")
        let channel = try Requantization(multiplier: Int32(reciprocal) << 15, leftShift: 0, rightShift: 0)
        let pool = AveragePool(
            input: try map(),
            window: try pool(),
            inputZeroPoint: 0,
            counts: RequantizeStage(channels: [channel], zeroPoint: 0)
        )
        return try run(.averagePool(pool), record)
    }

    /// XNNPACK's form, which no operator has: by the reference alone.
    private func addition(_ record: [UInt8]) throws -> [Outcome] {
        let (low, high): (Int8, Int8) = (try integer("out_min"), try integer("out_max"))
        guard low <= high else { throw GoldenError.parameter("out_max") }
        let addition = try SignedByteAddition(
            bias: integer("bias"),
            aMultiplier: integer("a_multiplier"),
            bMultiplier: integer("b_multiplier"),
            firstShift: integer("shift1"),
            secondShift: integer("shift2"),
            zeroPoint: integer("output_zero_point"),
            range: low...high
        )
        let sums = try addition.reference(signedBytes("a", of: record), signedBytes("b", of: record))
        return [
            Outcome(
                implementation: "reference",
                tensor: "output",
                expected: try bytes("output", of: record),
                actual: sums.map { UInt8(bitPattern: $0) }
            )
        ]
    }
}
