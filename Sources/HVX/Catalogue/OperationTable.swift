/// Collects operations: the Swift function says what an operation takes and gives, the rest stands beside it.
struct OperationTable {
    private(set) var operations: [Operation] = []

    /// Adds an operation with one result.
    ///
    /// - Parameters:
    ///   - name: As in ``Q6``; the prefix comes by itself.
    ///   - version: The first version of HVX that has it.
    ///   - slots: Where the class does not say it.
    mutating func add<each Input: Operand, Output: Operand>(
        _ name: String,
        _ resource: Resource,
        _ version: Int,
        slots: [Int]? = nil,
        _ function: @escaping @Sendable (repeat each Input) throws(OperationError) -> Output
    ) {
        var inputs: [OperandKind] = []
        repeat inputs.append((each Input).kind)
        add(name, resource, version, slots, inputs, [Output.kind]) { bytes throws(OperationError) in
            var reader = OperandReader(bytes)
            return try function(repeat (each Input)(reading: &reader)).memory
        }
    }

    /// Adds an operation that gives its result and another operand, which came in too.
    mutating func add<each Input: Operand, First: Operand, Second: Operand>(
        _ name: String,
        _ resource: Resource,
        _ version: Int,
        _ function: @escaping @Sendable (repeat each Input) -> (First, Second)
    ) {
        var inputs: [OperandKind] = []
        repeat inputs.append((each Input).kind)
        add(name, resource, version, nil, inputs, [First.kind, Second.kind]) { bytes throws(OperationError) in
            var reader = OperandReader(bytes)
            let (first, second) = function(repeat (each Input)(reading: &reader))
            return first.memory + second.memory
        }
    }

    private mutating func add(
        _ name: String,
        _ resource: Resource,
        _ version: Int,
        _ slots: [Int]?,
        _ inputs: [OperandKind],
        _ outputs: [OperandKind],
        body: @escaping @Sendable ([UInt8]) throws(OperationError) -> [UInt8]
    ) {
        operations.append(
            Operation(
                name: name.hasPrefix("X_") ? name : "Q6_\(name)",
                inputs: inputs,
                outputs: outputs,
                resource: resource,
                slots: slots ?? resource.slots,
                minimumVersion: version,
                body: body
            )
        )
    }
}

extension Resource {
    /// Where instructions of the class stand, but for the few that say otherwise.
    fileprivate var slots: [Int] {
        switch self {
        case .va, .vaDouble, .vp, .vs, .vpVs: [0, 1, 2, 3]
        case .vx, .vxLate, .vxDouble: [2, 3]
        case .vm, .gather, .gatherDouble: [0, 1]
        case .vmStore, .scatter, .scatterDouble, .load: [0]
        }
    }
}
