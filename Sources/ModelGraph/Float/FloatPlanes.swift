/// Maximum or mean of each window of a plane.
struct FloatPool: FloatKernel {
    enum Kind: Sendable {
        case maximum
        /// Over the elements on the plane.
        case average
        /// Over all elements of the window, those outside the plane being 0.
        case averageWithPadding
    }

    /// `[height, width, channels]`, as for `output`.
    let plane: [Int]
    let output: [Int]
    let window: Window
    let kind: Kind

    func run(_ inputs: [[Float]], rows: Int) -> [Float] {
        let channels = plane[2]
        var result: [Float] = []
        result.reserveCapacity(rows * output.reduce(1, *))
        for row in 0..<rows {
            for i in 0..<output[0] {
                let top = i * window.stride.height - window.padding.top
                let ys = taps(from: top, window.size.height, window.dilation.height, inside: plane[0])
                for j in 0..<output[1] {
                    let left = j * window.stride.width - window.padding.left
                    let zs = taps(from: left, window.size.width, window.dilation.width, inside: plane[1])
                    for channel in 0..<channels {
                        var largest = -Float.infinity
                        var sum = 0.0
                        for y in ys {
                            for z in zs {
                                let x = inputs[0][((row * plane[0] + y) * plane[1] + z) * channels + channel]
                                largest = x > largest || x.isNaN ? x : largest
                                sum += Double(x)
                            }
                        }
                        switch kind {
                        case .maximum: result.append(largest)
                        case .average:
                            result.append(Float(sum / Double(ys.underestimatedCount * zs.underestimatedCount)))
                        case .averageWithPadding:
                            result.append(Float(sum / Double(window.size.height * window.size.width)))
                        }
                    }
                }
            }
        }
        return result
    }

    /// The taps of a window along an axis that lie on the plane.
    private func taps(from start: Int, _ count: Int, _ dilation: Int, inside extent: Int) -> StrideTo<Int> {
        // A window that begins before the plane begins there with the first tap that lies on it.
        let first = start < 0 ? start + (-start + dilation - 1) / dilation * dilation : start
        return stride(from: first, to: min(start + (count - 1) * dilation + 1, extent), by: dilation)
    }
}

/// The mean over some axes.
struct FloatMean: FloatKernel {
    private let targets: [Int32]
    private let outputCount: Int

    init(input: [Int], axes: [Int]) {
        let kept = input.indices.filter { !axes.contains($0) }
        let strides = Strides.rowMajor(kept.map { input[$0] })
        var steps = [Int](repeating: 0, count: input.count)
        for (axis, stride) in zip(kept, strides) { steps[axis] = stride }
        targets = Strides.indices(shape: input, strides: steps, start: 0)
        outputCount = kept.reduce(1) { $0 * input[$1] }
    }

    func run(_ inputs: [[Float]], rows: Int) -> [Float] {
        var result: [Float] = []
        result.reserveCapacity(rows * outputCount)
        let count = Double(targets.count / outputCount)
        for row in 0..<rows {
            var sums = [Double](repeating: 0, count: outputCount)
            for (index, target) in targets.enumerated() {
                sums[Int(target)] += Double(inputs[0][row * targets.count + index])
            }
            result += sums.map { Float($0 / count) }
        }
        return result
    }
}

/// Another height and width.
struct FloatResize: FloatKernel {
    private let plane: [Int]
    private let ys: [Resize.Sample]
    private let zs: [Resize.Sample]

    init(plane: [Int], _ resize: Resize) {
        self.plane = plane
        ys = resize.samples(input: plane[0], output: resize.size.height)
        zs = resize.samples(input: plane[1], output: resize.size.width)
    }

    func run(_ inputs: [[Float]], rows: Int) -> [Float] {
        var result: [Float] = []
        result.reserveCapacity(rows * ys.count * zs.count * plane[2])
        for row in 0..<rows {
            func element(_ y: Int, _ z: Int, _ channel: Int) -> Double {
                Double(inputs[0][((row * plane[0] + y) * plane[1] + z) * plane[2] + channel])
            }
            for y in ys {
                for z in zs {
                    for c in 0..<plane[2] {
                        guard y.fraction != 0 || z.fraction != 0 else {
                            result.append(Float(element(y.low, z.low, c)))
                            continue
                        }
                        let above = element(y.low, z.low, c) * (1 - z.fraction) + element(y.low, z.high, c) * z.fraction
                        let below =
                            element(y.high, z.low, c) * (1 - z.fraction) + element(y.high, z.high, c) * z.fraction
                        result.append(Float(above * (1 - y.fraction) + below * y.fraction))
                    }
                }
            }
        }
        return result
    }
}
