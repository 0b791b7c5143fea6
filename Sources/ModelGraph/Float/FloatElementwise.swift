import CFloat

/// `x * scale + offset` by channel.
struct FloatAffine: FloatKernel {
    let scale: [Float]
    let offset: [Float]

    func run(_ inputs: [[Float]], rows: Int) -> [Float] {
        let input = inputs[0]
        return input.indices.map { input[$0] * scale[$0 % scale.count] + offset[$0 % scale.count] }
    }
}

/// A function of each element.
struct FloatFunction: FloatKernel {
    let function: Function

    func run(_ inputs: [[Float]], rows: Int) -> [Float] {
        inputs[0].map { function($0) }
    }
}

/// Softmax over the last dimension.
struct FloatSoftmax: FloatKernel {
    let channels: Int

    func run(_ inputs: [[Float]], rows: Int) -> [Float] {
        stride(from: 0, to: inputs[0].count, by: channels).flatMap { Softmax.row(inputs[0][$0..<$0 + channels]) }
    }
}

/// Rows divided by their length.
struct FloatNormalization: FloatKernel {
    let norm: Norm
    let channels: Int

    func run(_ inputs: [[Float]], rows: Int) -> [Float] {
        stride(from: 0, to: inputs[0].count, by: channels).flatMap { norm(inputs[0][$0..<$0 + channels]) }
    }
}

/// Where the greatest element lies along an axis.
struct FloatArgMax: FloatKernel {
    private let count: Int
    /// The distance of neighbours along the axis.
    private let inner: Int
    private let takesLast: Bool

    init(input: [Int], axis: Int, takesLast: Bool) {
        count = input[axis]
        inner = input[(axis + 1)...].reduce(1, *)
        self.takesLast = takesLast
    }

    func run(_ inputs: [[Float]], rows: Int) -> [Float] {
        var result: [Float] = []
        result.reserveCapacity(inputs[0].count / count)
        for block in stride(from: 0, to: inputs[0].count, by: count * inner) {
            for start in block..<block + inner {
                var place = 0
                for index in 1..<max(count, 1) {
                    let (candidate, best) = (inputs[0][start + index * inner], inputs[0][start + place * inner])
                    if candidate > best || (takesLast && candidate == best) { place = index }
                }
                result.append(Float(place))
            }
        }
        return result
    }
}

/// The same elements under another shape.
struct FloatReshape: FloatKernel {
    func run(_ inputs: [[Float]], rows: Int) -> [Float] { inputs[0] }
}

/// Arithmetic of two operands with repeated dimensions.
struct FloatArithmetic: FloatKernel {
    private let arithmetic: Arithmetic
    private let constant: [Float]?
    /// For each element of the result the element of the operand, or nil where the operand has the result's shape.
    private let first: [Int32]?
    private let second: [Int32]?
    private let counts: (first: Int, second: Int, output: Int)
    /// After how many elements of the result the second operand begins anew; nil where it is not that simple.
    private let period: Int?

    init(_ arithmetic: Arithmetic, first: [Int], second: [Int], constant: [Float]?, output: [Int]) {
        self.arithmetic = arithmetic
        self.constant = constant
        self.first = FloatArithmetic.elements(of: first, in: output)
        self.second = FloatArithmetic.elements(of: second, in: output)
        counts = (first.reduce(1, *), second.reduce(1, *), output.reduce(1, *))
        let trimmed = Array(second.drop { $0 == 1 })
        period = trimmed.elementsEqual(output.suffix(trimmed.count)) ? counts.second : nil
    }

    /// The second operand repeats over the first.
    private func combined(_ kind: hxf_kind, _ x: [Float], _ y: [Float], rows: Int, period: Int) -> [Float] {
        // Without a constant each row has its own second operand.
        let times = constant == nil && period != counts.output ? rows : 1
        let count = rows * counts.output / times
        // Safety: the first operand has as many elements as the result, the second times * period or, where there is one
        // for each element, as many too.
        return unsafe [Float](unsafeUninitializedCapacity: rows * counts.output) { out, filled in
            filled = rows * counts.output
            guard let out = out.baseAddress else { return }
            let length = constant == nil && period == counts.output ? count : period
            unsafe x.withUnsafeBufferPointer { x in
                unsafe y.withUnsafeBufferPointer { y in
                    guard let x = x.baseAddress, let y = y.baseAddress else { return }
                    for part in 0..<times {
                        unsafe hxf_combine(
                            kind,
                            x + part * count,
                            y + part * length,
                            count,
                            length,
                            out + part * count,
                            arithmetic.activation.code
                        )
                    }
                }
            }
        }
    }

    func run(_ inputs: [[Float]], rows: Int) -> [Float] {
        let (x, y) = (inputs[0], constant ?? inputs[1])
        if first == nil, let period, let kind = arithmetic.kind.code {
            return combined(kind, x, y, rows: rows, period: period)
        }
        var result: [Float] = []
        result.reserveCapacity(rows * counts.output)
        for row in 0..<rows {
            let firstStart = row * counts.first
            let secondStart = constant == nil ? row * counts.second : 0
            for index in 0..<counts.output {
                let a = x[firstStart + (first.map { Int($0[index]) } ?? index)]
                let b = y[secondStart + (second.map { Int($0[index]) } ?? index)]
                result.append(arithmetic.activation(arithmetic.kind(a, b)))
            }
        }
        return result
    }

    private static func elements(of operand: [Int], in output: [Int]) -> [Int32]? {
        guard operand != output else { return nil }
        let missing = output.count - operand.count
        var strides = [Int](repeating: 0, count: output.count)
        var step = 1
        for axis in operand.indices.reversed() {
            if operand[axis] != 1 { strides[missing + axis] = step }
            step *= operand[axis]
        }
        return Strides.indices(shape: output, strides: strides, start: 0)
    }
}

extension Arithmetic.Kind {
    /// As the C code names it; nil where it has none.
    fileprivate var code: hxf_kind? {
        switch self {
        case .add: HXF_ADD
        case .subtract: HXF_SUBTRACT
        case .multiply: HXF_MULTIPLY
        case .divide: HXF_DIVIDE
        case .maximum: HXF_MAXIMUM
        case .minimum: HXF_MINIMUM
        case .raise: nil
        }
    }
}
