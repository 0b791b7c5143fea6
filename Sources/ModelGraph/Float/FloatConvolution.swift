/// A convolution: one product of matrices for each row of the result and each group, or, where each channel is its own
/// group, sums over the taps.
struct FloatConvolution: FloatKernel {
    /// `[height, width, channels]`
    private let plane: [Int]
    /// `[height, width, outputs]`
    private let output: [Int]
    private let window: Window
    private let activation: Activation
    private let body: Body

    private enum Body: Sendable {
        /// One matrix for each group.
        case matrices([FloatMatrix])
        /// Weights `[taps, outputs]`; each channel has `multiplier` outputs.
        case depthwise(weights: [Float], bias: [Float], multiplier: Int)
    }

    init(
        plane: [Int],
        output: [Int],
        window: Window,
        groups: Int,
        weights: [Float],
        bias: [Float],
        activation: Activation
    ) {
        self.plane = plane
        self.output = output
        self.window = window
        self.activation = activation
        let outputs = bias.count
        let inputs = weights.count / outputs
        if groups == plane[2], groups > 1 {
            var transposed = [Float](repeating: 0, count: weights.count)
            for n in 0..<outputs {
                for tap in 0..<inputs { transposed[tap * outputs + n] = weights[n * inputs + tap] }
            }
            body = .depthwise(weights: transposed, bias: bias, multiplier: outputs / groups)
        } else {
            let width = outputs / groups
            body = .matrices(
                (0..<groups).map { group in
                    let first = group * width
                    return FloatMatrix(
                        rows: Array(weights[first * inputs..<(first + width) * inputs]),
                        bias: Array(bias[first..<first + width])
                    )
                }
            )
        }
    }

    func run(_ inputs: [[Float]], rows: Int) -> [Float] {
        let sizeIn = plane[0] * plane[1] * plane[2]
        let sizeOut = output[0] * output[1] * output[2]
        // Safety: the input has rows * sizeIn elements, the result rows * sizeOut.
        return unsafe [Float](unsafeUninitializedCapacity: rows * sizeOut) { out, count in
            count = rows * sizeOut
            guard let out = out.baseAddress, count > 0 else { return }
            unsafe inputs[0].withUnsafeBufferPointer { x in
                guard let x = x.baseAddress else { return }
                for row in 0..<rows {
                    switch body {
                    case .matrices(let matrices):
                        unsafe multiply(matrices, x + row * sizeIn, out + row * sizeOut)
                    case .depthwise(let weights, let bias, let multiplier):
                        unsafe depthwise(
                            weights,
                            bias,
                            multiplier: multiplier,
                            x + row * sizeIn,
                            out + row * sizeOut
                        )
                    }
                }
            }
        }
    }

    /// Gathers the windows of one row of the result, zeros where they leave the plane, and multiplies.
    private func multiply(
        _ matrices: [FloatMatrix],
        _ x: UnsafePointer<Float>,
        _ out: UnsafeMutablePointer<Float>
    ) {
        let channels = plane[2] / matrices.count
        if matrices.count == 1, window.size == Extent(1), window.stride == Extent(1), window.padding == Margins() {
            // Safety: the windows are the plane itself.
            unsafe matrices[0].multiply(
                x,
                rows: plane[0] * plane[1],
                into: out,
                stride: output[2],
                first: 0,
                activation: activation
            )
            return
        }
        let inputs = window.size.height * window.size.width * channels
        var patches = [Float](repeating: 0, count: output[1] * inputs)
        for i in 0..<output[0] {
            for (group, matrix) in matrices.enumerated() {
                // Safety: patches holds one window for each of output[1] columns; x and out hold the planes.
                unsafe patches.withUnsafeMutableBufferPointer { patches in
                    guard let patches = patches.baseAddress else { return }
                    unsafe gather(row: i, first: group * channels, channels: channels, x, patches)
                    unsafe matrix.multiply(
                        patches,
                        rows: output[1],
                        into: out + i * output[1] * output[2],
                        stride: output[2],
                        first: group * matrix.outputs,
                        activation: activation
                    )
                }
            }
        }
    }

    private func gather(
        row: Int,
        first: Int,
        channels: Int,
        _ x: UnsafePointer<Float>,
        _ patches: UnsafeMutablePointer<Float>
    ) {
        var target = unsafe patches
        for j in 0..<output[1] {
            for p in 0..<window.size.height {
                let y = row * window.stride.height + p * window.dilation.height - window.padding.top
                for q in 0..<window.size.width {
                    let z = j * window.stride.width + q * window.dilation.width - window.padding.left
                    if y >= 0, y < plane[0], z >= 0, z < plane[1] {
                        unsafe target.update(from: x + ((y * plane[1] + z) * plane[2] + first), count: channels)
                    } else {
                        unsafe target.update(repeating: 0, count: channels)
                    }
                    unsafe target += channels
                }
            }
        }
    }

    /// Adds the taps that lie on the plane, one after the other, for all outputs of a place at once.
    private func depthwise(
        _ weights: [Float],
        _ bias: [Float],
        multiplier: Int,
        _ x: UnsafePointer<Float>,
        _ out: UnsafeMutablePointer<Float>
    ) {
        let outputs = output[2]
        // Safety: weights holds one row of outputs for each tap; x and out hold the planes.
        unsafe weights.withUnsafeBufferPointer { weights in
            unsafe bias.withUnsafeBufferPointer { bias in
                for i in 0..<output[0] {
                    for j in 0..<output[1] {
                        let sums = unsafe out + (i * output[1] + j) * outputs
                        for n in 0..<outputs { unsafe sums[n] = bias[n] }
                        for p in 0..<window.size.height {
                            let y = i * window.stride.height + p * window.dilation.height - window.padding.top
                            guard y >= 0, y < plane[0] else { continue }
                            for q in 0..<window.size.width {
                                let z = j * window.stride.width + q * window.dilation.width - window.padding.left
                                guard z >= 0, z < plane[1] else { continue }
                                let pixel = unsafe x + (y * plane[1] + z) * plane[2]
                                let tap = (p * window.size.width + q) * outputs
                                if multiplier == 1 {
                                    for n in 0..<outputs { unsafe sums[n] += pixel[n] * weights[tap + n] }
                                } else {
                                    for n in 0..<outputs {
                                        unsafe sums[n] += pixel[n / multiplier] * weights[tap + n]
                                    }
                                }
                            }
                        }
                        guard activation != .none else { continue }
                        for n in 0..<outputs { unsafe sums[n] = activation(sums[n]) }
                    }
                }
            }
        }
    }
}
