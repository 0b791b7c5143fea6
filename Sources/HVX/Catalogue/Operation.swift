/// An instruction as data: what it takes and gives, what it costs, and how to run it on bytes.
public struct Operation: Sendable {
    /// The name of the intrinsic, `Q6_Vw_vadd_VwVw`. Loads and stores, which have none, are `X_vmem_load` and so on.
    public let name: String
    /// What it takes, in the order of the intrinsic's arguments. Memory that is written counts as an input too.
    public let inputs: [OperandKind]
    /// What it gives: the result, then whatever it writes besides.
    public let outputs: [OperandKind]
    /// The units of the processor that it keeps busy.
    public let resource: Resource
    /// The places of a packet, of 0...3, in which it can stand.
    public let slots: [Int]
    /// The first version of HVX that has it: 60, 62, 65, 66, 68 or 69.
    public let minimumVersion: Int
    private let body: @Sendable ([UInt8]) throws(OperationError) -> [UInt8]

    init(
        name: String,
        inputs: [OperandKind],
        outputs: [OperandKind],
        resource: Resource,
        slots: [Int],
        minimumVersion: Int,
        body: @escaping @Sendable ([UInt8]) throws(OperationError) -> [UInt8]
    ) {
        self.name = name
        self.inputs = inputs
        self.outputs = outputs
        self.resource = resource
        self.slots = slots
        self.minimumVersion = minimumVersion
        self.body = body
    }

    /// The bytes of all inputs, in a row.
    public var inputByteCount: Int { inputs.reduce(0) { $0 + $1.byteCount } }

    /// The bytes of all outputs, in a row.
    public var outputByteCount: Int { outputs.reduce(0) { $0 + $1.byteCount } }

    /// Runs it on raw operands, little-endian, each input right after the one before.
    ///
    /// - Returns: The outputs, each right after the one before.
    /// - Throws: ``OperationError/count(expected:actual:)``, or ``OperationError/place(_:)`` for a load, store, gather or
    ///   scatter outside of the memory that came with it.
    public func run(_ inputs: [UInt8]) throws(OperationError) -> [UInt8] {
        guard inputs.count == inputByteCount else { throw .count(expected: inputByteCount, actual: inputs.count) }
        return try body(inputs)
    }
}

/// Why an operation could not run on the bytes it was given.
public enum OperationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// There are more or fewer bytes than the inputs have.
    case count(expected: Int, actual: Int)
    /// That offset reaches outside of the memory.
    case place(Int)

    /// What happened, for a person.
    public var description: String {
        switch self {
        case .count(let expected, let actual): "the operands have \(expected) bytes, here are \(actual)"
        case .place(let offset): "offset \(offset) reaches outside of the memory"
        }
    }
}

/// What an operand is.
public enum OperandKind: String, Sendable, CaseIterable {
    /// A register of 128 bytes; also that much memory.
    case vector = "V"
    /// Two registers, the low one first; also that much memory.
    case pair = "W"
    /// A predicate of 128 bits.
    case predicate = "Q"
    /// A scalar register or an immediate of 32 bits.
    case scalar = "R"
    /// A pair of scalar registers, 64 bits.
    case scalarPair = "P"

    /// Its size in memory.
    public var byteCount: Int {
        switch self {
        case .vector: Vector.byteCount
        case .pair: 2 * Vector.byteCount
        case .predicate: Predicate.byteCount
        case .scalar: 4
        case .scalarPair: 8
        }
    }
}
