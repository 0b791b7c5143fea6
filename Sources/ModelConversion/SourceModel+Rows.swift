public import ModelImport

extension ImportedModel {
    /// Rows of the graph's inputs for rows in the order of the file's dimensions.
    ///
    /// - Parameter rows: `[rows, elements]` row-major, the inputs of a row one after the other.
    /// - Precondition: There is a whole number of rows.
    public func graphOrder(_ rows: [Float]) -> [Float] {
        let order = rowOrder
        guard order != Array(order.indices) else { return rows }
        precondition(rows.count % max(order.count, 1) == 0, "these are no whole rows")
        var result: [Float] = []
        result.reserveCapacity(rows.count)
        for start in stride(from: 0, to: rows.count, by: order.count) {
            for place in order { result.append(rows[start + place]) }
        }
        return result
    }

    /// For each element of a row of the graph its place in a row of the file.
    private var rowOrder: [Int] {
        var order: [Int] = []
        var first = 0
        for port in inputs {
            let count = port.shape.reduce(1, *)
            // Whole numbers up to 2^24 are exact, and a graph's value has fewer elements.
            order += port.graphOrder((0..<count).map { Float($0) }).map { first + Int($0) }
            first += count
        }
        return order
    }
}
