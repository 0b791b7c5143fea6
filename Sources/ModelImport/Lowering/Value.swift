/// A value in the terms of a file: every dimension, the batch among them, in the file's order.
struct Value: Sendable {
    enum Content: Sendable {
        case constant(Constant)
        /// A number that ``GraphBuilder`` gave.
        case computed(Int)
    }

    /// How the real numbers of a result become the type that the file gives it.
    enum Rounding: Sendable {
        /// To the nearest, ties to even; what is too large becomes the greatest.
        case nearest
        /// Toward zero, as casts do; what has too many bits loses the upper ones.
        case toZero
        /// As `nearest`, but a small float that is too large becomes infinite or no number.
        case nearestUnsaturated
    }

    /// A plane of TFLite whose places are read with gaps by a convolution between two operators that take it apart and
    /// put it together again.
    struct Spacing: Sendable {
        var block: [Int]
        var before: [Int]
        var after: [Int]
        /// Whether the convolution has been.
        var isRead: Bool
    }

    var shape: [Int]
    var type: ElementType
    var content: Content
    /// How the file holds it as integers.
    var encoding: TensorEncoding?
    var rounding = Rounding.nearest
    /// What an answer says of the content, which is then real numbers whose range each run measures.
    var measured: MeasuredEncoding?
    var spacing: Spacing?

    init(_ shape: [Int], _ type: ElementType, _ content: Content, encoding: TensorEncoding? = nil) {
        self.shape = shape
        self.type = type
        self.content = content
        self.encoding = encoding
    }

    init(_ tensor: SourceTensor) { self.init(Constant(tensor: tensor)) }

    init(_ constant: Constant) { self.init(constant.tensor.shape, constant.tensor.type, .constant(constant)) }

    var constant: Constant? {
        guard case .constant(let constant) = content else { return nil }
        return constant
    }

    var elementCount: Int { shape.reduce(1, *) }
}

/// Why one node of a file is not imported.
enum Refusal: Error {
    /// The rest of the file can still be looked at.
    case unsupported(String)
    /// The node makes no sense.
    case damaged(String)
    /// Nothing more can be done.
    case fatal(ImportError)
}
