/// A matrix of weights packed for products with rows of inputs.
///
/// Outputs stand in groups of 8, and in each group the weights of one input after those of the one before, so that the
/// innermost loop runs over outputs and each sum keeps its order.
struct FloatMatrix: Sendable {
    let inputs: Int
    let outputs: Int
    private let weights: [SIMD8<Float>]
    private let bias: [SIMD8<Float>]

    /// - Parameters:
    ///   - rows: `[bias.count, inputs]` row-major.
    ///   - bias: At least one.
    init(rows: [Float], bias: [Float]) {
        outputs = bias.count
        inputs = rows.count / bias.count
        let groups = (outputs + 7) / 8
        var weights = [SIMD8<Float>](repeating: .zero, count: groups * inputs)
        var biases = [SIMD8<Float>](repeating: .zero, count: groups)
        for output in 0..<outputs {
            biases[output / 8][output % 8] = bias[output]
            for input in 0..<inputs {
                weights[output / 8 * inputs + input][output % 8] = rows[output * inputs + input]
            }
        }
        self.weights = weights
        self.bias = biases
    }

    /// `out[r, first + n] = activation(bias[n] + Σk x[r, k] * weights[n, k])` for `rows` rows.
    ///
    /// - Parameters:
    ///   - x: `[rows, inputs]` row-major.
    ///   - out: `[rows, stride]` row-major, of which `outputs` elements of each row from `first` on are written.
    func multiply(
        _ x: UnsafePointer<Float>,
        rows: Int,
        into out: UnsafeMutablePointer<Float>,
        stride: Int,
        first: Int,
        activation: Activation
    ) {
        // Safety: callers give rows * inputs readable and rows * stride writable elements.
        unsafe weights.withUnsafeBufferPointer { weights in
            for group in bias.indices {
                let start = group * inputs
                let width = min(8, outputs - group * 8)
                var row = 0
                while row + 4 <= rows {
                    let x = unsafe x + row * inputs
                    var (a, b, c, d) = (bias[group], bias[group], bias[group], bias[group])
                    for k in 0..<inputs {
                        let w = unsafe weights[start + k]
                        unsafe a += w * x[k]
                        unsafe b += w * x[k + inputs]
                        unsafe c += w * x[k + 2 * inputs]
                        unsafe d += w * x[k + 3 * inputs]
                    }
                    let target = unsafe out + (row * stride + first + group * 8)
                    unsafe store(a, to: target, width: width, activation)
                    unsafe store(b, to: target + stride, width: width, activation)
                    unsafe store(c, to: target + 2 * stride, width: width, activation)
                    unsafe store(d, to: target + 3 * stride, width: width, activation)
                    row += 4
                }
                while row < rows {
                    let x = unsafe x + row * inputs
                    var sum = bias[group]
                    for k in 0..<inputs { unsafe sum += weights[start + k] * x[k] }
                    unsafe store(sum, to: out + (row * stride + first + group * 8), width: width, activation)
                    row += 1
                }
            }
        }
    }

    private func store(
        _ sums: SIMD8<Float>,
        to out: UnsafeMutablePointer<Float>,
        width: Int,
        _ activation: Activation
    ) {
        for lane in 0..<width { unsafe out[lane] = activation(sums[lane]) }
    }
}

/// A fully-connected node.
struct FloatFullyConnected: FloatKernel {
    let matrix: FloatMatrix
    let activation: Activation

    func run(_ inputs: [[Float]], rows: Int) -> [Float] {
        // Safety: the input has rows * matrix.inputs elements, the result rows * matrix.outputs.
        unsafe [Float](unsafeUninitializedCapacity: rows * matrix.outputs) { out, count in
            count = rows * matrix.outputs
            guard let out = out.baseAddress, count > 0 else { return }
            unsafe inputs[0].withUnsafeBufferPointer { x in
                guard let x = x.baseAddress else { return }
                unsafe matrix.multiply(
                    x,
                    rows: rows,
                    into: out,
                    stride: matrix.outputs,
                    first: 0,
                    activation: activation
                )
            }
        }
    }
}
