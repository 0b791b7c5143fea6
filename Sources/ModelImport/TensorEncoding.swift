public import ModelGraph
public import Quantization

/// How the real numbers of a value stand as integers in a file: `real = scale * (integer - zeroPoint)`.
public struct TensorEncoding: Sendable, Hashable {
    /// The type of the integers.
    public var type: ElementType
    /// One for all elements, or one for each row of ``axis``, or one for each block of such rows.
    public var scales: SourceTensor
    /// As many as there are scales; empty when all are 0.
    public var zeroPoints: [Int]
    /// The dimension that has several scales, or nil when there is one.
    public var axis: Int?
    /// How many rows of the axis share a scale: 0 when each has its own.
    public var blockSize = 0

    /// The encoding of this stack, when there is one scale and the integers have eight bits.
    ///
    /// Signed bytes become unsigned ones by 128 more on the zero point.
    public var bytes: Encoding? {
        guard axis == nil, scales.elementCount == 1, type == .int8 || type == .uint8, let scale = scales.floats.first
        else { return nil }
        let zeroPoint = (zeroPoints.first ?? 0) + (type == .int8 ? 128 : 0)
        guard (0...255).contains(zeroPoint) else { return nil }
        // nil is the answer for a scale that is not positive: the value has then no encoding.
        return try? Encoding(scale: scale, zeroPoint: Int32(zeroPoint))
    }

    /// The real number that the least integer stands for, when there is one scale.
    var low: Float? {
        guard axis == nil, let scale = scales.floats.first, let range = type.range else { return nil }
        return scale * Float(range.lowerBound - (zeroPoints.first ?? 0))
    }
}

/// What `DynamicQuantizeLinear` tells of real numbers: each run measures their range, widened to 0, for bytes from 0 to
/// 255.
enum MeasuredEncoding: Sendable {
    case integers, scale, zeroPoint

    /// The answer for some rows of real numbers.
    ///
    /// - Parameter shape: Of all rows.
    func tensor(_ rows: [[Float]], shape: [Int]) -> SourceTensor {
        let measured = rows.map { row in
            let low = row.reduce(0) { min($0, $1) }
            let scale = (row.reduce(0) { max($0, $1) } - low) / 255
            let step = scale == 0 ? 1 : scale
            return (row: row, scale: step, zero: MeasuredEncoding.byte(-low / step))
        }
        switch self {
        case .scale: return SourceTensor(shape: shape, floats: measured.map(\.scale))
        case .zeroPoint: return SourceTensor(shape: shape, integers: measured.map(\.zero), type: .uint8)
        case .integers:
            let integers = measured.flatMap { part in
                part.row.map { MeasuredEncoding.byte(($0 / part.scale).rounded(.toNearestOrEven) + Float(part.zero)) }
            }
            return SourceTensor(shape: shape, integers: integers, type: .uint8)
        }
    }

    private static func byte(_ value: Float) -> Int {
        min(max(SourceTensor.whole(value.rounded(.toNearestOrEven)), 0), 255)
    }
}

/// A constant whose integers a file holds, beside the real numbers that the graph has.
public struct QuantizedConstant: Sendable, Hashable {
    /// The integers, in the shape of the graph's constant: `s8` or `u8` weights, `s32` biases.
    public var integers: Tensor
    /// One for all elements, or one for each row of ``axis``.
    public var scales: [Float]
    /// As many as there are scales.
    public var zeroPoints: [Int32]
    /// The dimension of ``integers`` that has several scales, or nil when there is one.
    public var axis: Int?
}

/// A constant on its way into a graph.
struct Constant: Sendable {
    /// The integers of the file.
    struct Source: Sendable {
        var integers: SourceTensor
        var scales: [Float]
        var zeroPoints: [Int]
        var axis: Int?
    }

    /// Real numbers, or integers such as shapes.
    var tensor: SourceTensor
    /// Where the real numbers come from.
    var source: Source?
    /// The name of the file's constant that has the same elements, in this or another order.
    var origin: String?

    func transposed(_ permutation: [Int]) -> Constant {
        var result = Constant(tensor: tensor.transposed(permutation), origin: origin)
        if var source {
            source.integers = source.integers.transposed(permutation)
            source.axis = source.axis.flatMap { permutation.firstIndex(of: $0) }
            result.source = source
        }
        return result
    }

    /// With the rows of some dimensions in reverse.
    func reversed(_ axes: [Int]) -> Constant {
        func turned(_ tensor: SourceTensor) -> SourceTensor {
            let shape = tensor.shape
            return tensor.sliced(
                begin: shape.indices.map { axes.contains($0) ? shape[$0] - 1 : 0 },
                counts: shape,
                stride: shape.indices.map { axes.contains($0) ? -1 : 1 }
            )
        }
        var result = Constant(tensor: turned(tensor))
        if var source, !axes.contains(source.axis ?? -1) {
            source.integers = turned(source.integers)
            result.source = source
        }
        return result
    }

    /// - Precondition: The shape has as many elements.
    func reshaped(_ shape: [Int]) -> Constant {
        var result = Constant(tensor: tensor.reshaped(shape), origin: origin)
        guard var source else { return result }
        if let axis = source.axis {
            // The axis stays when as many elements lie before it and as many rows along it as there were.
            let before = tensor.shape[..<axis].reduce(1, *)
            let kept = shape.indices.first { shape[..<$0].reduce(1, *) == before && shape[$0] == tensor.shape[axis] }
            guard let kept else { return result }
            source.axis = kept
        }
        source.integers = source.integers.reshaped(shape)
        result.source = source
        return result
    }

    /// The integers with their encoding, for a constant of the graph.
    var quantized: QuantizedConstant? {
        guard let source, !source.scales.isEmpty else { return nil }
        let type: DataType
        switch source.integers.type {
        case .int8, .int4: type = .int8
        case .uint8, .uint4: type = .uint8
        case .int32: type = .int32
        default: return nil
        }
        guard
            let integers = try? Tensor(
                shape: source.integers.shape,
                dataType: type,
                bytes: Array(source.integers.bytes)
            )
        else { return nil }
        let zeroPoints = source.zeroPoints.isEmpty ? source.scales.map { _ in 0 } : source.zeroPoints
        return QuantizedConstant(
            integers: integers,
            scales: source.scales,
            zeroPoints: zeroPoints.map { Int32(clamping: $0) },
            axis: source.scales.count == 1 ? nil : source.axis
        )
    }
}
