/// All instructions by name, with what they cost.
public enum Catalogue {
    /// Every operation, family after family.
    public static let operations: [Operation] = {
        var table = OperationTable()
        addSums(&table)
        addBits(&table)
        addProducts(&table)
        addShifts(&table)
        addMoves(&table)
        addMemory(&table)
        return table.operations
    }()

    private static let byName = Dictionary(uniqueKeysWithValues: operations.map { ($0.name, $0) })

    /// The operation of that name, `Q6_Vw_vadd_VwVw` or, as in ``Q6``, `Vw_vadd_VwVw`.
    public static func operation(named name: String) -> Operation? { byName[name] ?? byName["Q6_\(name)"] }
}
