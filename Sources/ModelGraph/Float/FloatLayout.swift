/// Walks over an array with a step for each dimension.
enum Strides {
    /// The distance of neighbours along each dimension of a row-major array.
    static func rowMajor(_ shape: [Int]) -> [Int] {
        var strides = [Int](repeating: 1, count: shape.count)
        for axis in shape.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * shape[axis + 1] }
        return strides
    }

    /// The index of each element of `shape`, in row-major order.
    ///
    /// - Precondition: All lie in 0..<2^31, as the elements of any value of a graph do.
    static func indices(shape: [Int], strides: [Int], start: Int) -> [Int32] {
        var indices = [Int32(start)]
        for (count, stride) in zip(shape, strides) {
            indices = indices.flatMap { first in (0..<count).map { first + Int32($0 * stride) } }
        }
        return indices
    }
}

/// A transposition or a slice: each element of the result is one of the input.
struct FloatStrided: FloatKernel {
    private let indices: [Int32]
    private let inputCount: Int

    init(input: [Int], permutation: [Int]) {
        let strides = Strides.rowMajor(input)
        indices = Strides.indices(
            shape: permutation.map { input[$0] },
            strides: permutation.map { strides[$0] },
            start: 0
        )
        inputCount = input.reduce(1, *)
    }

    init(input: [Int], begin: [Int], stride: [Int], output: [Int]) {
        let strides = Strides.rowMajor(input)
        indices = Strides.indices(
            shape: output,
            strides: zip(strides, stride).map { $0 * $1 },
            start: zip(strides, begin).reduce(0) { $0 + $1.0 * $1.1 }
        )
        inputCount = input.reduce(1, *)
    }

    func run(_ inputs: [[Float]], rows: Int) -> [Float] {
        var result: [Float] = []
        result.reserveCapacity(rows * indices.count)
        for row in 0..<rows {
            for index in indices { result.append(inputs[0][row * inputCount + Int(index)]) }
        }
        return result
    }
}

/// Inputs one after the other along an axis.
struct FloatConcatenation: FloatKernel {
    /// The elements of each input from the axis on.
    private let lengths: [Int]
    /// How often they alternate in a row.
    private let times: Int

    init(inputs: [[Int]], axis: Int) {
        lengths = inputs.map { $0[axis...].reduce(1, *) }
        times = inputs[0][..<axis].reduce(1, *)
    }

    func run(_ inputs: [[Float]], rows: Int) -> [Float] {
        var result: [Float] = []
        result.reserveCapacity(rows * times * lengths.reduce(0, +))
        for part in 0..<rows * times {
            for (input, length) in zip(inputs, lengths) { result += input[part * length..<(part + 1) * length] }
        }
        return result
    }
}

/// A constant around the input.
struct FloatPad: FloatKernel {
    private let targets: [Int32]
    private let outputCount: Int
    private let value: Float

    init(input: [Int], before: [Int], output: [Int], value: Float) {
        let strides = Strides.rowMajor(output)
        targets = Strides.indices(
            shape: input,
            strides: strides,
            start: zip(strides, before).reduce(0) { $0 + $1.0 * $1.1 }
        )
        outputCount = output.reduce(1, *)
        self.value = value
    }

    func run(_ inputs: [[Float]], rows: Int) -> [Float] {
        var result = [Float](repeating: value, count: rows * outputCount)
        for row in 0..<rows {
            for (index, target) in targets.enumerated() {
                result[row * outputCount + Int(target)] = inputs[0][row * targets.count + index]
            }
        }
        return result
    }
}

/// Rows of a table.
struct FloatGather: FloatKernel {
    private let node: String
    private let table: [Float]
    private let rows: Int
    private let width: Int

    init(node: String, table: [Float], rows: Int) {
        self.node = node
        self.table = table
        self.rows = rows
        width = table.count / rows
    }

    func run(_ inputs: [[Float]], rows _: Int) throws(GraphError) -> [Float] {
        var result: [Float] = []
        result.reserveCapacity(inputs[0].count * width)
        for index in inputs[0] {
            guard index >= 0, index < Float(rows), index.rounded() == index else {
                throw .index(node: node, index: index, rows: rows)
            }
            result += table[Int(index) * width..<(Int(index) + 1) * width]
        }
        return result
    }
}
