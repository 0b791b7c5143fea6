import CFloat

/// A matrix of weights packed for products with rows of inputs.
struct FloatMatrix: Sendable {
    let inputs: Int
    let outputs: Int
    private let packed: [Float]

    /// - Parameters:
    ///   - rows: `[bias.count, inputs]` row-major.
    ///   - bias: At least one.
    init(rows: [Float], bias: [Float]) {
        let (outputs, inputs) = (bias.count, rows.count / bias.count)
        (self.inputs, self.outputs) = (inputs, outputs)
        let count = hxf_packed(inputs, outputs)
        // Safety: as many floats are written as hxf_packed says.
        packed = unsafe [Float](unsafeUninitializedCapacity: count) { packed, filled in
            if let target = packed.baseAddress { unsafe hxf_pack(rows, bias, inputs, outputs, target) }
            filled = count
        }
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
        unsafe hxf_multiply(packed, inputs, outputs, x, inputs, rows, out + first, stride, activation.code)
    }
}

extension Activation {
    /// As the C code names it.
    var code: hxf_activation {
        switch self {
        case .none: HXF_NONE
        case .relu: HXF_RELU
        case .relu6: HXF_RELU6
        }
    }
}

/// A fully-connected node.
struct FloatFullyConnected: FloatKernel {
    let matrix: FloatMatrix
    let activation: Activation

    func run(_ inputs: [[Float]], rows: Int) -> [Float] {
        // Safety: the input has rows * matrix.inputs elements, the result rows * matrix.outputs; each part of the loop
        // writes rows of its own.
        unsafe [Float](unsafeUninitializedCapacity: rows * matrix.outputs) { out, count in
            count = rows * matrix.outputs
            unsafe inputs[0].withUnsafeBufferPointer { x in
                let pointers = unsafe (SharedPointer(x.baseAddress), SharedMutablePointer(out.baseAddress))
                guard let x = unsafe pointers.0, let out = unsafe pointers.1 else { return }
                Parallel.loop(rows, work: rows * matrix.inputs * matrix.outputs) { part in
                    unsafe matrix.multiply(
                        x.pointer + part.lowerBound * matrix.inputs,
                        rows: part.count,
                        into: out.pointer + part.lowerBound * matrix.outputs,
                        stride: matrix.outputs,
                        first: 0,
                        activation: activation
                    )
                }
            }
        }
    }
}

/// Elements that threads read.
// Safety: whoever makes one keeps the memory until the loop is over, and nobody writes it.
@unsafe struct SharedPointer: @unchecked Sendable {
    let pointer: UnsafePointer<Float>

    init?(_ pointer: UnsafePointer<Float>?) {
        guard let pointer = unsafe pointer else { return nil }
        unsafe self.pointer = pointer
    }
}

/// Elements that threads write, each its own.
// Safety: whoever makes one keeps the memory until the loop is over.
@unsafe struct SharedMutablePointer: @unchecked Sendable {
    let pointer: UnsafeMutablePointer<Float>

    init?(_ pointer: UnsafeMutablePointer<Float>?) {
        guard let pointer = unsafe pointer else { return nil }
        unsafe self.pointer = pointer
    }
}
