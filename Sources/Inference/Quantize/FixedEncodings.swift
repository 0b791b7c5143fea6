public import ModelGraph
public import Quantization

/// What is known of the integers of a model before it is quantized, for instance from a file that is quantized already.
///
/// It stays as it is, whatever the calibration rows say.
public struct FixedEncodings: Sendable, Hashable {
    /// The integers of a constant.
    public struct Constant: Sendable, Hashable {
        /// `s8` or `u8` weights, or `s32` biases, in the shape of the graph's constant.
        public var integers: Tensor
        /// The real distance of two neighbouring integers: one for all, or one for each row of the first dimension.
        public var scales: [Float]
        /// The integers that stand for 0, as many as there are scales.
        public var zeroPoints: [Int32]

        /// Makes a value of its parts.
        public init(integers: Tensor, scales: [Float], zeroPoints: [Int32]) {
            self.integers = integers
            self.scales = scales
            self.zeroPoints = zeroPoints
        }
    }

    /// How the program that gave the encodings rounds sums to bytes.
    public enum Rounding: String, Sendable, Hashable {
        /// To the nearest, as ONNX Runtime does.
        case once
        /// As TFLite's reference kernels: the sums of convolutions and products in two parts, which differs by a step now
        /// and then, those of fully-connected layers and means once.
        case twiceInConvolutions

        /// Whether the bytes of an operator are rounded once.
        func isOnce(_ operation: Operation) -> Bool {
            guard self == .twiceInConvolutions else { return true }
            switch operation {
            case .convolution, .arithmetic: return false
            default: return true
            }
        }
    }

    /// How values stand as bytes, by the name of the float graph's value.
    public var values: [String: Encoding]
    /// By the name of the float graph's constant.
    public var constants: [String: Constant]
    /// How values with a given encoding are rounded.
    public var rounding: Rounding

    /// Makes a value of its parts.
    public init(
        values: [String: Encoding] = [:],
        constants: [String: Constant] = [:],
        rounding: Rounding = .once
    ) {
        self.values = values
        self.constants = constants
        self.rounding = rounding
    }

    /// Whether nothing is known.
    public var isEmpty: Bool { values.isEmpty && constants.isEmpty }
}

/// What became of encodings that were given.
public struct KeptEncodings: Codable, Sendable, Hashable {
    /// Something that could not stay as it was given.
    public struct Departure: Codable, Sendable, Hashable {
        /// The value, or the constant.
        public var name: String
        /// Why, in words.
        public var reason: String

        /// Makes a value of its parts.
        public init(name: String, reason: String) {
            self.name = name
            self.reason = reason
        }
    }

    /// How many values have the encoding that was given.
    public var values: Int
    /// How many constants have the integers and scales that were given.
    public var constants: Int
    /// The others, by name.
    public var departures: [Departure]

    /// Makes a value of its parts.
    public init(values: Int = 0, constants: Int = 0, departures: [Departure] = []) {
        self.values = values
        self.constants = constants
        self.departures = departures
    }
}
