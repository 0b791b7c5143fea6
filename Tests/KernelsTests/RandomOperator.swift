import Conformance
import Kernels
import Quantization

/// Operators of every kind with random shapes, strides, encodings and values, small enough for a debug build.
extension Randomness {
    /// One of some values.
    mutating func pick<Value>(_ values: [Value]) -> Value {
        values[Int.random(in: 0..<values.count, using: &self)]
    }

    mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

    mutating func byte() -> UInt8 { pick([0, 255, 128, UInt8.random(in: 0...255, using: &self)]) }

    mutating func range() -> ClosedRange<UInt8> {
        guard number(0...2) == 0 else { return 0...255 }
        let low = UInt8.random(in: 0...255, using: &self)
        return low...UInt8.random(in: low...255, using: &self)
    }

    /// A stage whose results fill the bytes when sums are about as large as `spread`, or one of extreme integers.
    mutating func stage(_ count: Int, spread: Double) throws -> RequantizeStage {
        let channels =
            number(0...2) == 0 ? try self.channels(count) : try scales(count, results: 60, spread: spread)
        return RequantizeStage(channels: channels, zeroPoint: byte(), range: range())
    }

    mutating func scales(_ count: Int, results: Double, spread: Double) throws -> [Requantization] {
        try (0..<count).map { _ in
            let factor = Double.random(in: 0.2...2, using: &self)
            return try Requantization(realMultiplier: factor * results / spread)
        }
    }

    /// Bytes of one of several kinds: extreme ones among others, all the same, any.
    mutating func input(_ count: Int) -> [UInt8] {
        switch number(0...3) {
        case 0: lanes(count)
        case 1: [UInt8](repeating: byte(), count: count)
        default: (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) }
        }
    }

    mutating func weights(_ count: Int) -> [Int8] { input(count).map { Int8(bitPattern: $0 ^ 0x80) } }

    mutating func biases(_ count: Int) -> [Int32] {
        number(0...2) == 0 ? lanes(count) : (0..<count).map { _ in Int32.random(in: -5000...5000, using: &self) }
    }

    /// Inputs for an operator.
    mutating func inputs(_ operation: Operator, rows: Int) throws -> [[UInt8]] {
        if case .gather(let gather) = operation {
            // Most of 32-bit numbers are outside every table.
            return [
                (0..<rows * gather.indices).flatMap { _ in
                    let index = pick([
                        number(0...gather.rows - 1), number(-2...gather.rows + 1), Int(Int32.min), Int(Int32.max),
                    ])
                    return Formula.littleEndian(index, bytes: 4)
                }
            ]
        }
        return try operation.inputBytes().map { input(rows * $0) }
    }
}

// MARK: Windows

extension Randomness {
    mutating func window(_ input: FeatureMap, pool: Bool) -> Window {
        func fits(_ window: Window) -> Bool {
            pool
                ? (try? MaximumPool(input: input, window: window).shape()) != nil
                : (try? window.output(of: input, channels: 1)) != nil
        }
        while true {
            if number(0...2) == 0 {
                // What most networks have, and many ways are made for.
                let (stride, pad) = (pick([1, 1, 2]), pick([0, 1, 1]))
                let usual = Window(
                    height: 3,
                    width: 3,
                    strideY: stride,
                    strideX: stride,
                    padding: Window.Edges(top: pad, left: pad, bottom: pad, right: pad)
                )
                if fits(usual) { return usual }
            }
            let padding = number(0...1) == 0 ? 0 : 3
            let window = Window(
                height: number(1...5),
                width: number(1...5),
                strideY: pick([1, 1, 2, 3]),
                strideX: pick([1, 1, 2, 3]),
                dilationY: pick([1, 1, 2, 3]),
                dilationX: pick([1, 1, 2, 3]),
                padding: Window.Edges(
                    top: number(0...padding),
                    left: number(0...padding),
                    bottom: number(0...padding),
                    right: number(0...padding)
                )
            )
            if fits(window) { return window }
        }
    }

    mutating func map(_ channels: Int) -> FeatureMap {
        FeatureMap(height: number(1...8), width: number(1...8), channels: channels)
    }

    /// Parts of a convolution, drawn until it is small.
    mutating func convolutionShape(multiplyAdds: Int) -> (input: FeatureMap, window: Window, groups: Int, outputs: Int)
    {
        while true {
            let groups: Int
            let input: FeatureMap
            let outputs: Int
            switch number(0...5) {
            case 0, 1:
                // Depthwise, with a multiplier of 1 as a rule.
                input = map(pick([2, 3, 4, 8, 16, 31, 32, 33, 40, 64, 127, 128, 129]))
                groups = input.channels
                outputs = groups * pick([1, 1, 1, 2, 3, 4])
            case 2:
                groups = number(2...4)
                input = map(groups * number(1...9))
                outputs = groups * pick([1, 2, 5, 8, 33])
            case 3:
                // A row of weights that is long, for few outputs or many, for few positions or many.
                groups = 1
                let channels = pick([127, 128, 129, 255, 256, 257])
                input = FeatureMap(height: 1, width: pick([1, 2, 3, 13, 70, 140]), channels: channels)
                outputs = pick([1, 1, 3, 5, 16, 33, 127, 128, 129])
            default:
                groups = 1
                input = map(pick([1, 2, 3, 4, 5, 7, 8, 12, 16, 16, 17, 32, 48]))
                outputs = pick([1, 2, 3, 4, 8, 15, 16, 17, 31, 32, 33, 48, 64, 65])
            }
            let window = number(0...4) == 0 || input.height == 1 ? Window() : window(input, pool: false)
            guard let output = try? window.output(of: input, channels: outputs),
                output.count * window.taps * (input.channels / groups) <= multiplyAdds
            else { continue }
            return (input, window, groups, outputs)
        }
    }

    mutating func convolution(multiplyAdds: Int = 40_000) throws -> Convolution {
        let (input, window, groups, outputs) = convolutionShape(multiplyAdds: multiplyAdds)
        return try convolution(input, window, groups: groups, outputs: outputs)
    }

    /// A 3x3 kernel over whole registers of channels, which can be computed with fewer products.
    mutating func usualConvolution() throws -> Convolution {
        let (top, left) = (number(0...2), number(0...2))
        return try convolution(
            FeatureMap(height: number(3...5), width: number(4...7), channels: pick([16, 16, 16, 32])),
            Window(
                height: 3,
                width: 3,
                padding: Window.Edges(top: top, left: left, bottom: number(0...2), right: number(0...2))
            ),
            groups: 1,
            outputs: pick([8, 9, 15, 16, 17, 24, 33])
        )
    }

    private mutating func convolution(
        _ input: FeatureMap,
        _ window: Window,
        groups: Int,
        outputs: Int
    ) throws -> Convolution {
        let reduction = window.taps * input.channels / groups
        let weights = weights(outputs * reduction)
        let spread = Double(reduction).squareRoot() * 8000
        return Convolution(
            input: input,
            window: window,
            groups: groups,
            weights: number(0...2) == 0
                ? .uint8(weights.map { UInt8(bitPattern: $0) }, zeroPoint: byte()) : .int8(weights),
            biases: biases(outputs),
            inputZeroPoint: byte(),
            result: number(0...4) == 0 ? .sums : .bytes(try stage(outputs, spread: spread))
        )
    }

    mutating func wideConvolution(multiplyAdds: Int = 20_000) throws -> WideConvolution {
        let (input, window, groups, outputs) = convolutionShape(multiplyAdds: multiplyAdds)
        let reduction = window.taps * input.channels / groups
        let spread = Double(reduction).squareRoot() * 2_000_000
        let channels =
            number(0...2) == 0
            ? try channels(outputs) : try scales(outputs, results: 15_000, spread: spread)
        let low = number(0...1) == 0 ? Int16.min : Int16.random(in: .min...0, using: &self)
        return WideConvolution(
            input: input,
            window: window,
            groups: groups,
            weights: weights(outputs * reduction),
            biases: biases(outputs),
            result: number(0...3) == 0
                ? .sums : .halfwords(channels, range: low...Int16.random(in: low ... .max, using: &self))
        )
    }

    mutating func maximumPool() -> MaximumPool {
        let input = map(pick([1, 3, 4, 16, 31, 33, 64, 127, 128, 129, 130, 257]))
        return MaximumPool(input: input, window: window(input, pool: true), range: range())
    }

    mutating func averagePool() throws -> AveragePool {
        let input = map(pick([1, 3, 4, 16, 31, 32, 33, 64, 65, 129]))
        let window = number(0...3) == 0 ? Window(height: input.height, width: input.width) : window(input, pool: true)
        var pool = AveragePool(
            input: input,
            window: window,
            countsPadding: number(0...1) == 0,
            inputZeroPoint: byte(),
            counts: RequantizeStage(channels: [], zeroPoint: 0)
        )
        let count = pool.isUniform ? 1 : window.taps
        pool.counts = try stage(count, spread: 100 * Double(window.taps).squareRoot())
        return pool
    }
}

// MARK: Elements and movement

extension Randomness {
    /// Counts around the sizes of registers, and some large enough to be divided among threads.
    mutating func count() -> Int {
        pick([0, 1, 3, 4, 31, 63, 64, 65, 127, 128, 129, 255, 256, 257, 300, 5000, 20_000])
    }

    mutating func table() -> [UInt8] { lanes(256) }

    mutating func addition() throws -> Addition {
        let extreme = number(0...2) == 0
        let multipliers: [Int16] =
            extreme ? lanes(2) : (0..<2).map { _ in Int16.random(in: -20_000...20_000, using: &self) }
        return try Addition(
            count: count(),
            aMultiplier: multipliers[0],
            bMultiplier: multipliers[1],
            aZeroPoint: byte(),
            bZeroPoint: byte(),
            shift: Int32(extreme ? number(0...15) : number(12...15)),
            zeroPoint: byte(),
            range: range()
        )
    }

    mutating func multiplication() throws -> Multiplication {
        try Multiplication(
            count: count(),
            aZeroPoint: byte(),
            bZeroPoint: byte(),
            stage: try stage(1, spread: 8000)
        )
    }

    mutating func softmax() throws -> TableSoftmax {
        let scale = Double.random(in: 0.002...0.3, using: &self)
        var exponentials: [UInt16] = []
        if number(0...3) == 0 {
            exponentials = lanes(256)
            exponentials[0] = max(1, exponentials[0])
        } else {
            var power = 65535.0
            for _ in 0..<256 {
                exponentials.append(UInt16(power.rounded()))
                power *= 1 - scale
            }
        }
        let isLong = number(0...1) == 0
        return try TableSoftmax(
            outer: isLong ? number(60...140) : number(0...3),
            channels: isLong ? number(1...12) : pick([63, 64, 65, 127, 128, 129, 255, 256]),
            exponentials: exponentials
        )
    }

    mutating func concatenation() throws -> Concatenation {
        let isLong = number(0...1) == 0
        return try Concatenation(
            outer: isLong ? number(60...140) : number(0...4),
            parts: (0..<number(1...4)).map { _ in
                let count = isLong ? number(0...20) : pick([0, 1, 63, 64, 65, 127, 128, 129, 255, 256, 257])
                return Concatenation.Part(count: count, table: number(0...1) == 0 ? nil : table())
            }
        )
    }

    /// A shape of up to 6 dimensions with few elements.
    mutating func shape() -> [Int] {
        while true {
            let shape = (0..<number(1...6)).map { _ in pick([1, 1, 2, 3, 4, 5, 8, 16, 33]) }
            if shape.reduce(1, *) <= 2000 { return shape }
        }
    }

    mutating func border() throws -> Border {
        let shape = shape()
        return try Border(
            shape: shape,
            before: shape.map { _ in number(0...2) },
            behind: shape.map { _ in number(0...2) },
            value: byte()
        )
    }

    mutating func transposition() throws -> Transposition {
        let shape = shape()
        return try Transposition(shape: shape, order: Array(shape.indices).shuffled(using: &self))
    }

    mutating func slice() throws -> Slice {
        let shape = shape()
        var (start, step, output) = ([Int](), [Int](), [Int]())
        for size in shape {
            let first = number(0...size - 1)
            let distance = pick([1, 1, 1, 2, 3, -1, -2])
            let most = distance > 0 ? (size - 1 - first) / distance + 1 : first / -distance + 1
            start.append(first)
            step.append(distance)
            output.append(number(0...9) == 0 ? 0 : number(1...most))
        }
        return try Slice(shape: shape, start: start, step: step, outputShape: output)
    }

    mutating func resize() throws -> Resize {
        let input = FeatureMap(height: number(1...5), width: number(1...5), channels: pick([1, 3, 4, 33, 128, 130]))
        let isNearest = number(0...2) == 0
        func sources(_ count: Int, _ size: Int, _ random: inout Randomness) -> [Resize.Source] {
            (0..<count).map { _ in
                Resize.Source(
                    first: random.number(0...size - 1),
                    second: random.number(0...size - 1),
                    fraction: isNearest ? 0 : random.pick([0, 128, 64, random.number(0...128)])
                )
            }
        }
        return try Resize(
            input: input,
            rows: sources(number(1...6), input.height, &self),
            columns: sources(number(1...6), input.width, &self)
        )
    }

    mutating func gather() throws -> Gather {
        let width = pick([1, 3, 4, 16, 33, 128, 129])
        return try Gather(indices: pick([0, 1, 5, 32, 33, 40, 150]), width: width, table: lanes(width * number(1...9)))
    }
}
