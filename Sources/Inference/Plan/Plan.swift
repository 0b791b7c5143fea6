public import Kernels
public import ModelGraph
public import Quantization

/// A quantized model as a flat list of steps between numbered values: integer operators, and layers that stay float.
///
/// Everything that decides a byte is in it; memory is laid out by ``layout(rows:)``, for any number of rows.
public struct Plan: Sendable, Hashable {
    /// How the elements of a value stand in memory.
    public enum Storage: Sendable, Hashable {
        /// u8 with an encoding.
        case bytes(Encoding)
        /// s16: `real = scale * halfword`.
        case halfwords(scale: Float)
        /// s32 sums of a last layer: `real[n] = activation(scale[n] * sum[n])`, with `n` over the last dimension.
        case sums(scale: [Float], activation: Activation)
        /// s32 integers that name rows of a table.
        case indices
        /// f32, between layers that stay float.
        case reals

        /// The bytes of one element.
        public var byteCount: Int {
            switch self {
            case .bytes: 1
            case .halfwords: 2
            case .sums, .indices, .reals: 4
            }
        }
    }

    /// A value of the graph that stands in memory.
    public struct Value: Sendable, Hashable {
        /// Its name in the graph.
        public let name: String
        /// The dimensions without the batch.
        public let shape: [Int]
        /// How its elements stand in memory.
        public let storage: Storage
        /// The number of the value in whose memory it stands: its own, or that of what it is another shape of.
        public let buffer: Int
        /// The number of elements in a row.
        public let count: Int
        /// The bytes of a row.
        public let rowBytes: Int

        init(name: String, shape: [Int], storage: Storage, buffer: Int) {
            self.name = name
            self.shape = shape
            self.storage = storage
            self.buffer = buffer
            count = shape.reduce(1, *)
            rowBytes = count * storage.byteCount
        }
    }

    /// What comes from outside.
    public struct Input: Sendable, Hashable {
        /// The number of the value.
        public var value: Int
        /// How floats become elements; nil for integers and for reals, which stand as they are.
        public var encoding: InputEncoding?
        /// For integers, how many rows the smallest table has that they are read as rows of.
        public var rowsOfTable: Int?
    }

    /// What is done to the real numbers of an output, on real numbers.
    public enum Tail: Sendable, Hashable {
        case function(Function)
        /// Over vectors of so many elements.
        case softmax(channels: Int)
    }

    /// What is asked for.
    public struct Output: Sendable, Hashable {
        /// The name in the graph.
        public var name: String
        /// The number of the value that it is made of.
        public var value: Int
        /// What is done to its real numbers, in order.
        public var tail: [Tail]
    }

    /// One operator, one conversion, or one layer that stays float.
    public struct Step: Sendable, Hashable {
        /// The name of the node in the graph.
        public var node: String
        /// What is done.
        public var work: Work
        /// The numbers of the values that are read.
        public var inputs: [Int]
        /// The number of the value that is written.
        public var output: Int
    }

    /// Values by number.
    public let values: [Value]
    /// In the order of the graph; a row of the model's input is a row of each, one after the other.
    public let inputs: [Input]
    /// In the order of the graph; likewise.
    public let outputs: [Output]
    /// In the order in which they run.
    public let steps: [Step]

    /// The number of values in a row of the input.
    public let inputCount: Int
    /// The number of values in a row of the output.
    public let outputCount: Int
    /// The bytes of a row of the input as it stands in memory.
    public let inputBytes: Int
    /// The bytes of a row of the output as it stands in memory.
    public let outputBytes: Int

    init(values: [Value], inputs: [Input], outputs: [Output], steps: [Step]) {
        self.values = values
        self.inputs = inputs
        self.outputs = outputs
        self.steps = steps
        inputCount = inputs.reduce(0) { $0 + values[$1.value].count }
        outputCount = outputs.reduce(0) { $0 + values[$1.value].count }
        inputBytes = inputs.reduce(0) { $0 + values[$1.value].rowBytes }
        outputBytes = outputs.reduce(0) { $0 + values[$1.value].rowBytes }
    }

    /// More memory than this for one session is refused.
    public static let arenaBytesMax = 1 << 31

    /// Where each value stands for a batch of so many rows.
    ///
    /// An input lives from the start, an output to the end, any other value from the step that writes it to the last that
    /// reads it.
    ///
    /// - Throws: ``InferenceError/invalid(field:reason:)`` when more than ``arenaBytesMax`` would be needed.
    public func layout(rows: Int) throws(InferenceError) -> ArenaLayout {
        var first = [Int](repeating: -1, count: values.count)
        var last = [Int](repeating: -1, count: values.count)
        for (index, step) in steps.enumerated() {
            first[values[step.output].buffer] = index
            for value in step.inputs + [step.output] {
                last[values[value].buffer] = max(last[values[value].buffer], index)
            }
        }
        for output in outputs { last[values[output.value].buffer] = steps.count }
        var buffers: [ArenaLayout.Buffer] = []
        for (number, value) in values.enumerated() {
            let (bytes, overflow) = value.rowBytes.multipliedReportingOverflow(by: rows)
            guard rows >= 0, !overflow, bytes <= Plan.arenaBytesMax else {
                throw .invalid(field: "batch", reason: "\(rows) rows need too much memory")
            }
            let isOwn = value.buffer == number
            buffers.append(ArenaLayout.Buffer(bytes: isOwn ? bytes : 0, first: first[number], last: last[number]))
        }
        var layout = ArenaLayout(buffers)
        guard layout.byteCount <= Plan.arenaBytesMax else {
            throw .invalid(field: "batch", reason: "\(rows) rows need \(layout.byteCount) bytes of memory")
        }
        layout.offsets = values.map { layout.offsets[$0.buffer] }
        return layout
    }
}

extension Operator {
    /// The name of the operator, for people and profiles.
    public var name: String {
        switch self {
        case .convolution(let operation):
            operation.isDepthwise ? "depthwise" : operation.input.positions == 1 ? "fully-connected" : "convolution"
        case .wideConvolution(let operation):
            operation.input.positions == 1 ? "wide-fully-connected" : "wide-convolution"
        case .addition: "addition"
        case .multiplication: "multiplication"
        case .table: "table"
        case .softmax: "softmax"
        case .maximumPool: "max-pool"
        case .averagePool: "average-pool"
        case .concatenation: "concatenation"
        case .border: "pad"
        case .transposition: "transposition"
        case .slice: "slice"
        case .resize: "resize"
        case .gather: "gather"
        }
    }
}
