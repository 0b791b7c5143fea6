import CFloat

/// A convolution: products of matrices for some rows of the result and each group, or, where each channel is its own group,
/// sums over the taps.
struct FloatConvolution: FloatKernel {
    /// `[height, width, channels]`
    private let plane: [Int]
    /// `[height, width, outputs]`
    private let output: [Int]
    private let window: hxf_window
    private let activation: Activation
    private let body: Body
    private let work: Int

    private static let patchElements = 1 << 15

    private enum Body: Sendable {
        /// One matrix for each group.
        case matrices([FloatMatrix])
        /// One matrix, whose rows of inputs are the elements of the plane as they lie there.
        case points(FloatMatrix)
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
        self.activation = activation
        let outputs = bias.count
        let inputs = weights.count / outputs
        work = output[0] * output[1] * weights.count
        var channels = plane[2]
        if groups == plane[2], groups > 1 {
            var transposed = [Float](repeating: 0, count: weights.count)
            for n in 0..<outputs {
                for tap in 0..<inputs { transposed[tap * outputs + n] = weights[n * inputs + tap] }
            }
            channels = outputs
            body = .depthwise(weights: transposed, bias: bias, multiplier: outputs / groups)
        } else if groups == 1, window == Window(size: Extent(1)) {
            body = .points(FloatMatrix(rows: weights, bias: bias))
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
        self.window = hxf_window(
            in_height: plane[0],
            in_width: plane[1],
            channels: channels,
            out_height: output[0],
            out_width: output[1],
            kernel_height: window.size.height,
            kernel_width: window.size.width,
            stride_y: window.stride.height,
            stride_x: window.stride.width,
            dilation_y: window.dilation.height,
            dilation_x: window.dilation.width,
            pad_top: window.padding.top,
            pad_left: window.padding.left
        )
    }

    func run(_ inputs: [[Float]], rows: Int) -> [Float] {
        let sizeOut = output[0] * output[1] * output[2]
        var input = inputs[0]
        if case .depthwise(_, _, let multiplier) = body, multiplier > 1 { input = repeated(input, multiplier) }
        // Safety: the input has rows planes, the result rows * sizeOut elements; each part of the loop writes rows of
        // planes of its own.
        return unsafe [Float](unsafeUninitializedCapacity: rows * sizeOut) { out, count in
            count = rows * sizeOut
            unsafe input.withUnsafeBufferPointer { x in
                let pointers = unsafe (SharedPointer(x.baseAddress), SharedMutablePointer(out.baseAddress))
                guard let x = unsafe pointers.0, let out = unsafe pointers.1 else { return }
                Parallel.loop(rows * output[0], work: rows * work) { part in
                    unsafe run(part, x.pointer, out.pointer)
                }
            }
        }
    }

    /// Some rows of the results of all rows of the input, one plane after the other.
    private func run(_ part: Range<Int>, _ x: UnsafePointer<Float>, _ out: UnsafeMutablePointer<Float>) {
        let sizeIn = plane[0] * plane[1] * window.channels
        let (height, width) = (output[0], output[1] * output[2])
        switch body {
        case .points(let matrix):
            // A result of one tap has the rows of the plane, so that planes run into each other.
            unsafe matrix.multiply(
                x + part.lowerBound * plane[1] * plane[2],
                rows: part.count * output[1],
                into: out + part.lowerBound * width,
                stride: output[2],
                first: 0,
                activation: activation
            )
        case .matrices(let matrices):
            let channels = plane[2] / matrices.count
            let inputs = window.kernel_height * window.kernel_width * channels
            // Not more windows at once than the nearer cache holds.
            let columns = max(1, min(output[1], FloatConvolution.patchElements / inputs))
            var patches = [Float](repeating: 0, count: columns * inputs)
            for row in part {
                for first in stride(from: 0, to: output[1], by: columns) {
                    let last = min(first + columns, output[1])
                    for (group, matrix) in matrices.enumerated() {
                        let place = hxf_place(
                            row: row % height,
                            first_column: first,
                            last_column: last,
                            first_channel: group * channels,
                            channels: channels
                        )
                        unsafe gather(place, x + row / height * sizeIn, &patches)
                        unsafe matrix.multiply(
                            patches,
                            rows: last - first,
                            into: out + (row * width + first * output[2]),
                            stride: output[2],
                            first: group * matrix.outputs,
                            activation: activation
                        )
                    }
                }
            }
        case .depthwise(let weights, let bias, _):
            var row = part.lowerBound
            while row < part.upperBound {
                let (plane, first) = (row / height, row % height)
                let last = min(height, first + part.upperBound - row)
                unsafe hxf_depthwise(
                    window,
                    weights,
                    bias,
                    x + plane * sizeIn,
                    out + plane * height * width,
                    first,
                    last,
                    activation.code
                )
                row += last - first
            }
        }
    }

    private func gather(_ place: hxf_place, _ plane: UnsafePointer<Float>, _ patches: inout [Float]) {
        // Safety: patches holds the windows of as many columns as a place has.
        unsafe patches.withUnsafeMutableBufferPointer { patches in
            if let patches = patches.baseAddress { unsafe hxf_gather(window, place, plane, patches) }
        }
    }

    /// Each channel as often as it has outputs, so that an output has a channel of its own.
    private func repeated(_ input: [Float], _ multiplier: Int) -> [Float] {
        var result: [Float] = []
        result.reserveCapacity(input.count * multiplier)
        for element in input { for _ in 0..<multiplier { result.append(element) } }
        return result
    }
}
