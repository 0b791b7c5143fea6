import Kernels

/// Convolutions and pools.
extension Formula {
    /// The input lines (or positions) under a window along one direction, nil in the padding.
    static func seen(
        _ output: Int,
        stride: Int,
        before: Int,
        dilation: Int,
        taps: Int,
        size: Int
    ) -> [Int?] {
        (0..<taps).map { tap in
            let at = output * stride + tap * dilation - before
            return at < 0 || at >= size ? nil : at
        }
    }

    /// Calls with the output channel and the input positions `(y, x)` under the window, for each output element in order.
    static func slide(
        _ window: Window,
        over input: FeatureMap,
        channels: Int,
        _ body: (_ channel: Int, _ taps: [(y: Int, x: Int)?]) -> Void
    ) {
        let reach = ((window.height - 1) * window.dilationY + 1, (window.width - 1) * window.dilationX + 1)
        let edges = window.padding
        var top = 0
        while top + reach.0 <= input.height + edges.top + edges.bottom {
            let y = top / window.strideY
            let lines = seen(
                y,
                stride: window.strideY,
                before: edges.top,
                dilation: window.dilationY,
                taps: window.height,
                size: input.height
            )
            var left = 0
            while left + reach.1 <= input.width + edges.left + edges.right {
                let x = left / window.strideX
                let columns = seen(
                    x,
                    stride: window.strideX,
                    before: edges.left,
                    dilation: window.dilationX,
                    taps: window.width,
                    size: input.width
                )
                let taps: [(y: Int, x: Int)?] = lines.flatMap { line in
                    columns.map { column in
                        if let line, let column { (line, column) } else { nil }
                    }
                }
                for channel in 0..<channels { body(channel, taps) }
                left += window.strideX
            }
            top += window.strideY
        }
    }

    static func convolution(_ operation: Convolution, _ input: [UInt8]) -> [UInt8] {
        let map = operation.input
        let perGroup = (inputs: map.channels / operation.groups, outputs: operation.biases.count / operation.groups)
        let weightZeroPoint: Int
        let weights: [Int]
        switch operation.weights {
        case .int8(let bytes): (weights, weightZeroPoint) = (bytes.map { Int($0) }, 0)
        case .uint8(let bytes, let zeroPoint): (weights, weightZeroPoint) = (bytes.map { Int($0) }, Int(zeroPoint))
        }
        let zeroPoint = Int(operation.inputZeroPoint)
        var output: [UInt8] = []
        slide(operation.window, over: map, channels: operation.biases.count) { n, taps in
            var sum = Int(operation.biases[n])
            let first = n / perGroup.outputs * perGroup.inputs
            for (tap, at) in taps.enumerated() {
                guard let at else { continue }
                for c in 0..<perGroup.inputs {
                    let x = Int(input[(at.y * map.width + at.x) * map.channels + first + c]) - zeroPoint
                    sum += x * (weights[(n * taps.count + tap) * perGroup.inputs + c] - weightZeroPoint)
                }
            }
            switch operation.result {
            case .sums: output += littleEndian(wrapped(sum), bytes: 4)
            case .bytes(let stage): output.append(byte(wrapped(sum), stage, channel: n))
            }
        }
        return output
    }

    static func wideConvolution(_ operation: WideConvolution, _ input: [UInt8]) -> [UInt8] {
        let map = operation.input
        let perGroup = (inputs: map.channels / operation.groups, outputs: operation.biases.count / operation.groups)
        var output: [UInt8] = []
        slide(operation.window, over: map, channels: operation.biases.count) { n, taps in
            var sum = Int(operation.biases[n])
            let first = n / perGroup.outputs * perGroup.inputs
            for (tap, at) in taps.enumerated() {
                guard let at else { continue }
                for c in 0..<perGroup.inputs {
                    let element = (at.y * map.width + at.x) * map.channels + first + c
                    let x = Int(Int8(bitPattern: input[2 * element + 1])) * 256 + Int(input[2 * element])
                    sum += x * Int(operation.weights[(n * taps.count + tap) * perGroup.inputs + c])
                }
            }
            switch operation.result {
            case .sums: output += littleEndian(wrapped(sum), bytes: 4)
            case .halfwords(let channels, let range):
                let half = saturated(scaled(wrapped(sum), channels[n]), bits: 16)
                output += littleEndian(max(Int(range.lowerBound), min(Int(range.upperBound), half)), bytes: 2)
            }
        }
        return output
    }

    static func maximumPool(_ operation: MaximumPool, _ input: [UInt8]) -> [UInt8] {
        let map = operation.input
        var output: [UInt8] = []
        slide(operation.window, over: map, channels: map.channels) { channel, taps in
            var greatest: UInt8 = 0
            for case let at? in taps {
                greatest = max(greatest, input[(at.y * map.width + at.x) * map.channels + channel])
            }
            output.append(max(operation.range.lowerBound, min(operation.range.upperBound, greatest)))
        }
        return output
    }

    static func averagePool(_ operation: AveragePool, _ input: [UInt8]) -> [UInt8] {
        let map = operation.input
        let isPadded = operation.window.padding != Window.Edges()
        var output: [UInt8] = []
        slide(operation.window, over: map, channels: map.channels) { channel, taps in
            var (sum, count) = (0, 0)
            for case let at? in taps {
                sum += Int(input[(at.y * map.width + at.x) * map.channels + channel]) - Int(operation.inputZeroPoint)
                count += 1
            }
            let isOne = operation.countsPadding || !isPadded
            output.append(byte(sum, operation.counts, channel: isOne ? 0 : count - 1))
        }
        return output
    }
}
