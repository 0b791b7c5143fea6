public import Kernels
public import ModelGraph
public import Quantization

extension Plan {
    /// What a step does.
    public enum Work: Sendable, Hashable {
        /// An integer operator of the kernels.
        case integer(Operator)
        /// Bytes and 16-bit integers made of each other.
        case conversion(Conversion)
        /// A layer that stays float: what it reads is made real, what it gives is made what the next layers read.
        case float(FloatLayer)

        /// The name of what is done, for people and profiles.
        public var name: String {
            switch self {
            case .integer(let operation): operation.name
            case .conversion(.widening): "widening"
            case .conversion(.narrowing): "narrowing"
            case .float(let layer): "float-\(layer.node.operation.kind)"
            }
        }

        /// The multiply-adds of one row by the definition, padding included.
        public var multiplyAdds: Int {
            switch self {
            // A planned operator was checked.
            case .integer(let operation): (try? operation.multiplyAdds()) ?? 0
            case .conversion: 0
            case .float(let layer): layer.multiplyAdds
            }
        }
    }

    /// A value that stands in 8 bits and in 16.
    ///
    /// One implementation for all engines; nothing but integers.
    public enum Conversion: Sendable, Hashable {
        /// `halfword = byte - zeroPoint`, which is exact: both have the same scale.
        case widening(zeroPoint: UInt8)
        /// `byte = clamp(scale(halfword) + zeroPoint)` by the formula of ``/Quantization/Requantization``.
        case narrowing(Requantization, zeroPoint: UInt8)
    }

    /// A node of the float graph with all that it needs.
    ///
    /// One implementation for all engines: ``/ModelGraph/FloatNode``.
    public struct FloatLayer: Sendable, Hashable {
        /// The node.
        public var node: Node
        /// The shapes of what it reads.
        public var inputs: [[Int]]
        /// The shape of what it gives.
        public var output: [Int]
        /// The constants that it names.
        public var constants: [String: Tensor]

        /// The multiply-adds of one row by the definition, padding included.
        public var multiplyAdds: Int {
            switch node.operation {
            case .fullyConnected(let weights, _, _): constants[weights]?.elementCount ?? 0
            case .convolution(let convolution):
                (constants[convolution.weights]?.elementCount ?? 0) * output.dropLast().reduce(1, *)
            default: 0
            }
        }

        /// Makes it ready to run.
        func prepared() throws(GraphError) -> FloatNode {
            let graph = Graph(name: node.name, inputs: [], outputs: [], nodes: [node], constants: constants)
            return try FloatNode(node, inputs: inputs, output: output, in: graph)
        }
    }
}
