import Foundation
import ModelGraph
import Testing

@Suite("The interpreter computes what each operation says")
struct FloatInterpreterTests {
    @Test("Convolutions of any stride, padding, dilation, group and multiplier", arguments: 0..<40)
    func convolutions(_ seed: Int) throws {
        var random = Randomness(UInt64(seed))
        let groups = [1, 1, 2, 3][seed % 4]
        let isDepthwise = seed % 5 == 4
        let channels = isDepthwise ? random.number(2...5) : groups * random.number(1...4)
        let outputs = isDepthwise ? channels * random.number(1...3) : groups * random.number(1...5)
        let plane = [random.number(5...8), random.number(5...8), channels]
        let size = [random.number(1...3), random.number(1...3)]
        let perGroup = isDepthwise ? 1 : channels / groups
        let convolution = Convolution(
            weights: "w",
            bias: "b",
            stride: Extent(height: random.number(1...3), width: random.number(1...3)),
            padding: Margins(
                top: random.number(0...3),
                left: random.number(0...3),
                bottom: random.number(0...3),
                right: random.number(0...3)
            ),
            dilation: Extent(height: random.number(1...2), width: random.number(1...2)),
            groups: isDepthwise ? channels : groups,
            activation: Activation.allCases[seed % 3]
        )
        let weights = random.floats(outputs * size[0] * size[1] * perGroup)
        let bias = random.floats(outputs)
        let graph = graph(
            .convolution(convolution),
            plane,
            constants: [
                "w": Tensor(shape: [outputs, size[0], size[1], perGroup], floats: weights),
                "b": Tensor(shape: [outputs], floats: bias),
            ]
        )
        let shape = try graph.shape(of: "out")
        let rows = 2
        let x = random.floats(rows * plane.reduce(1, *))
        let result = try FloatInterpreter(graph).run(x, rows: rows)
        var expected: [Float] = []
        for row in 0..<rows {
            for i in 0..<shape[0] {
                for j in 0..<shape[1] {
                    for n in 0..<outputs {
                        var sum = bias[n]
                        let first = n / (outputs / convolution.groups) * perGroup
                        for p in 0..<size[0] {
                            for q in 0..<size[1] {
                                let y =
                                    i * convolution.stride.height + p * convolution.dilation.height
                                    - convolution.padding.top
                                let z =
                                    j * convolution.stride.width + q * convolution.dilation.width
                                    - convolution.padding.left
                                guard (0..<plane[0]).contains(y), (0..<plane[1]).contains(z) else { continue }
                                for c in 0..<perGroup {
                                    sum +=
                                        x[((row * plane[0] + y) * plane[1] + z) * channels + first + c]
                                        * weights[((n * size[0] + p) * size[1] + q) * perGroup + c]
                                }
                            }
                        }
                        expected.append(convolution.activation(sum))
                    }
                }
            }
        }
        #expect(result == expected)
    }

    @Test("Arithmetic repeats dimensions of one element")
    func arithmetic() throws {
        func run(_ arithmetic: Arithmetic, _ x: [Int], _ y: [Int], _ values: [Float]) throws -> [Float] {
            try FloatInterpreter(graph(.arithmetic(arithmetic), x, y)).run(values, rows: 1)
        }
        #expect(try run(Arithmetic(.add), [2], [2], [1, 2, 30, 40]) == [31, 42])
        #expect(try run(Arithmetic(.subtract, activation: .relu), [2], [2], [1, 50, 30, 40]) == [0, 10])
        #expect(try run(Arithmetic(.multiply), [1, 2, 2], [2], [1, 2, 3, 4, 10, 100]) == [10, 200, 30, 400])
        #expect(try run(Arithmetic(.multiply), [2, 1], [1, 2], [1, 2, 10, 100]) == [10, 100, 20, 200])
        // Two rows, a constant on the right.
        let constant = graph(
            .arithmetic(Arithmetic(.add, constant: "c")),
            [2, 2],
            constants: ["c": Tensor(shape: [2], floats: [10, 20])]
        )
        #expect(
            try FloatInterpreter(constant).run([1, 2, 3, 4, 5, 6, 7, 8], rows: 2) == [11, 22, 13, 24, 15, 26, 17, 28]
        )
    }

    @Test("Powers of two values are those of C")
    func powers() throws {
        let numbers: [Float] = [-.infinity, -2.5, -2, -1, -0.5, -0.0, 0, 0.5, 1, 2, 3, 7.25, .infinity, .nan]
        for x in numbers {
            for y in numbers {
                let (power, wanted) = (Arithmetic.Kind.raise(x, y), pow(x, y))
                #expect(power.isNaN == wanted.isNaN && power.sign == wanted.sign || wanted.isNaN, "\(x) \(y)")
                #expect(power == wanted || wanted.isNaN || (power - wanted).magnitude <= wanted.ulp, "\(x) \(y)")
            }
        }
        let cubes = graph(.arithmetic(Arithmetic(.raise)), [2], [1])
        #expect(try FloatInterpreter(cubes).run([3, -2, 3], rows: 1) == [27, -8])
    }

    @Test("Concatenation along each axis, of three values")
    func concatenation() throws {
        let last = graph(.concatenate(axis: 1), [2, 1], [2, 2])
        #expect(try FloatInterpreter(last).run([1, 2, 10, 20, 30, 40], rows: 1) == [1, 10, 20, 2, 30, 40])
        let first = graph(.concatenate(axis: 0), [1], [2], [1])
        #expect(try FloatInterpreter(first).run([1, 2, 3, 4, 5, 6, 7, 8], rows: 2) == [1, 2, 3, 4, 5, 6, 7, 8])
    }

    @Test("Padding, transposition and slices move elements")
    func layout() throws {
        let pad = graph(.pad(before: [1, 0], after: [0, 1], value: 9), [1, 2])
        #expect(try FloatInterpreter(pad).run([1, 2], rows: 1) == [9, 9, 9, 1, 2, 9])
        let transpose = graph(.transpose(permutation: [1, 0]), [2, 3])
        #expect(try FloatInterpreter(transpose).run([1, 2, 3, 4, 5, 6], rows: 1) == [1, 4, 2, 5, 3, 6])
        let slice = graph(.slice(begin: [0, 1], end: [2, 4], stride: [1, 2]), [2, 4])
        #expect(try FloatInterpreter(slice).run([1, 2, 3, 4, 5, 6, 7, 8], rows: 1) == [2, 4, 6, 8])
        let reshape = graph(.reshape(shape: [3, 2]), [2, 3])
        #expect(try reshape.shape(of: "out") == [3, 2])
    }

    @Test("Pools look only at the plane")
    func pools() throws {
        let window = Window(size: Extent(2), stride: Extent(2), padding: Margins(top: 1, left: 1))
        let x: [Float] = [-1, -2, -3, -4, -5, -6, -7, -8, -9]
        #expect(try FloatInterpreter(graph(.maxPool(window), [3, 3, 1])).run(x, rows: 1) == [-1, -2, -4, -5])
        let average = graph(.averagePool(window, countsPadding: false), [3, 3, 1])
        #expect(try FloatInterpreter(average).run(x, rows: 1) == [-1, -2.5, -5.5, -7])
        let padded = graph(.averagePool(window, countsPadding: true), [3, 3, 1])
        #expect(try FloatInterpreter(padded).run(x, rows: 1) == [-0.25, -1.25, -2.75, -7])
        let mean = graph(.mean(axes: [0, 1], keepsDimensions: false), [2, 1, 2])
        #expect(try FloatInterpreter(mean).run([1, 2, 3, 6, 5, 5, 5, 5], rows: 2) == [2, 4, 5, 5])
    }

    @Test("Functions, and none of the C library's")
    func functions() throws {
        func run(_ function: Function, _ x: [Float]) throws -> [Float] {
            try FloatInterpreter(graph(.function(function), [x.count])).run(x, rows: 1)
        }
        #expect(try run(.relu, [-1, 2]) == [0, 2])
        #expect(try run(.relu6, [-1, 2, 7]) == [0, 2, 6])
        #expect(try run(.clip(low: nil, high: 1), [-5, 2]) == [-5, 1])
        #expect(try run(.leakyRelu(slope: 0.5), [-2, 2]) == [-1, 2])
        #expect(try run(.hardSwish, [-4, 0, 3, 1.5]) == [0, 0, 3, 1.125])
        #expect(try run(.hardSigmoid(slope: 0.25, offset: 0.5), [-9, 0, 1, 9]) == [0, 0.5, 0.75, 1])
        let sigmoid = try run(.sigmoid, [0, 1, -1, 100, -80])
        for (value, wanted) in zip(sigmoid, [0.5, 0.731_058_58, 0.268_941_42, 1, 1.804_851_4e-35] as [Float]) {
            #expect((value - wanted).magnitude <= wanted.ulp)
        }
        let tanh = try run(.tanh, [0, 1, -1, 100, 1e-4, 0.015, 0.016])
        let wanted: [Float] = [0, 0.761_594_2, -0.761_594_2, 1, 1e-4, 0.014_998_875, 0.015_998_634]
        for (value, wanted) in zip(tanh, wanted) { #expect((value - wanted).magnitude <= wanted.magnitude.ulp) }
    }

    @Test("Functions of real models have the values that Python's math module gives")
    func elementaryFunctions() throws {
        let x: [Float] = [0, 1, -1, 0.01, -0.01, 2.9, -3.1, 20, -20]
        let expected: [(Function, [Float])] = [
            (
                .swish,
                [
                    0, 0.731058579, -0.268941421, 0.00502499968, -0.0049750001, 2.74875477, -0.133632498, 20,
                    -4.12230724e-08,
                ]
            ),
            (
                .gelu,
                [
                    0, 0.841344746, -0.158655254, 0.00503989345, -0.00496010633, 2.89458924, -0.00299957083, 20,
                    0,
                ]
            ),
            (
                .tanhGelu,
                [0, 0.841191991, -0.158808009, 0.00503989345, -0.00496010633, 2.89503343, -0.00262661106, 20, -0]
            ),
            (
                .elu(alpha: 0.5),
                [0, 1, -0.316060279, 0.00999999978, -0.00497508301, 2.9000001, -0.477475397, 20, -0.499999999]
            ),
            (
                .softplus,
                [
                    0.693147181, 1.31326169, 0.313261688, 0.69815968, 0.688159681, 2.95356287, 0.044063972, 20,
                    2.06115362e-09,
                ]
            ),
            (
                .softsign,
                [0, 0.5, -0.5, 0.00990098988, -0.00990098988, 0.74358975, -0.756097555, 0.952380952, -0.952380952]
            ),
            (.erf, [0, 0.842700793, -0.842700793, 0.0112834153, -0.0112834153, 0.999958902, -0.999988351, 1, -1]),
            (
                .exponential,
                [
                    1, 2.71828183, 0.367879441, 1.01005017, 0.990049834, 18.1741471, 0.0450492067, 485_165_184,
                    2.06115362e-09,
                ]
            ),
            (.absolute, [0, 1, 1, 0.00999999978, 0.00999999978, 2.9000001, 3.0999999, 20, 20]),
            (.power(exponent: 3), [0, 1, -1, 9.99999933e-07, -9.99999933e-07, 24.3890024, -29.7909973, 8000, -8000]),
            (.floor, [0, 1, -1, 0, -1, 2, -4, 20, -20]),
            (.ceiling, [0, 1, -1, 1, 0, 3, -3, 20, -20]),
            (.round, [0, 1, -1, 0, 0, 3, -3, 20, -20]),
        ]
        for (function, wanted) in expected { try check(function, x, wanted) }
        let positive: [Float] = [0.25, 1, 2, 1e-6, 3.7, 1e6]
        let ofPositive: [(Function, [Float])] = [
            (.logarithm, [-1.38629436, 0, 0.693147181, -13.8155106, 1.30833283, 13.8155106]),
            (.squareRoot, [0.5, 1, 1.41421356, 0.000999999999, 1.92353842, 1000]),
            (.reciprocal, [4, 1, 0.5, 1_000_000, 0.270270267, 1e-06]),
            (.reciprocalSquareRoot, [2, 1, 0.707106781, 1000, 0.519875242, 0.001]),
        ]
        for (function, wanted) in ofPositive { try check(function, positive, wanted) }
        #expect(Function.logarithm(-1).isNaN)
        #expect(Function.logarithm(0) == -.infinity)
        #expect(Function.exponential(1000) == .infinity)
        #expect(Function.round(2.5) == 2)
    }

    private func check(_ function: Function, _ x: [Float], _ wanted: [Float]) throws {
        let values = try FloatInterpreter(graph(.function(function), [x.count])).run(x, rows: 1)
        for (index, value) in values.enumerated() {
            #expect(
                (value - wanted[index]).magnitude <= max(2 * wanted[index].magnitude.ulp, 1e-9),
                "\(function)(\(x[index]))"
            )
        }
    }

    @Test("Resizing takes the elements that the convention says")
    func resize() throws {
        func run(_ resize: Resize, _ width: Int, _ x: [Float]) throws -> [Float] {
            try FloatInterpreter(graph(.resize(resize), [1, width, 1])).run(x, rows: 1)
        }
        func size(_ width: Int) -> Extent { Extent(height: 1, width: width) }
        #expect(try run(Resize(.nearest, size: size(4), coordinates: .asymmetric), 2, [1, 2]) == [1, 1, 2, 2])
        #expect(
            try run(Resize(.nearest, size: size(3), coordinates: .halfPixel, rounding: .preferFloor), 2, [1, 2])
                == [1, 1, 2]
        )
        #expect(try run(Resize(.nearest, size: size(3), coordinates: .halfPixelUnshifted), 2, [1, 2]) == [1, 2, 2])
        #expect(try run(Resize(.bilinear, size: size(4), coordinates: .halfPixel), 2, [0, 4]) == [0, 1, 3, 4])
        #expect(try run(Resize(.bilinear, size: size(3), coordinates: .alignCorners), 2, [0, 4]) == [0, 2, 4])
        #expect(try run(Resize(.bilinear, size: size(4), coordinates: .asymmetric), 2, [0, 4]) == [0, 2, 4, 4])
    }

    @Test("A table's rows, and only those")
    func gather() throws {
        let graph = graph(
            .gather(table: "t"),
            [2],
            constants: ["t": Tensor(shape: [3, 2], floats: [1, 2, 3, 4, 5, 6])],
            dataType: .int32
        )
        let interpreter = try FloatInterpreter(graph)
        #expect(try interpreter.run([2, 0], rows: 1) == [5, 6, 1, 2])
        for index in [Float(3), -1, 0.5, .nan, .infinity] {
            #expect(throws: GraphError.self) { try interpreter.run([0, index], rows: 1) }
        }
    }

    @Test("Several inputs and outputs stand one after the other in a row")
    func rows() throws {
        var graph = graph(.arithmetic(Arithmetic(.add)), [2], [2])
        graph.outputs = ["out", "x"]
        let interpreter = try FloatInterpreter(graph)
        #expect(interpreter.inputCount == 4 && interpreter.outputCount == 4)
        #expect(try interpreter.run([1, 2, 3, 4, 5, 6, 7, 8], rows: 2) == [4, 6, 1, 2, 12, 14, 5, 6])
        #expect(try interpreter.values([1, 2, 3, 4], rows: 1) == ["x": [1, 2], "y": [3, 4], "out": [4, 6]])
    }
}
