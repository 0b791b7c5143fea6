extension Pipeline {
    /// Checks the inputs of one observation and lays them out as one row.
    ///
    /// - Parameter inputs: Elements of each input, row-major, by the input's name.
    /// - Returns: ``featureCount`` elements in declared order.
    /// - Throws: ``FeatureError`` naming feature, value and limit when a feature is missing, unknown, has the wrong
    ///   number of elements, is NaN or infinite, or lies outside the schema. The same observation fails again.
    public func features(from inputs: [String: [Double]]) throws(FeatureError) -> [Float] {
        let known = task.inputs.map(\.name)
        if let unknown = inputs.keys.filter({ !known.contains($0) }).min() {
            let near = nearest(to: unknown, in: known).map { "; did you mean \"\($0)\"?" } ?? ""
            throw FeatureError(
                code: .unknown,
                feature: unknown,
                limit: known.joined(separator: ", ") + near
            )
        }
        var row: [Float] = []
        row.reserveCapacity(featureCount)
        for input in task.inputs {
            guard let values = inputs[input.name] else {
                throw FeatureError(code: .missing, feature: input.name, limit: "\(input.count) elements")
            }
            guard values.count == input.count else {
                throw FeatureError(
                    code: .count,
                    feature: input.name,
                    value: "\(values.count)",
                    limit: "\(input.count) elements"
                )
            }
            let limits = data.schema.first { $0.name == input.name }
            for (element, value) in values.enumerated() {
                row.append(try Self.checked(value, input.name, element, limits))
            }
        }
        return row
    }

    private static func checked(
        _ value: Double,
        _ feature: String,
        _ element: Int,
        _ limits: FeatureSchema?
    ) throws(FeatureError) -> Float {
        func refusal(_ code: FeatureError.Code, _ limit: String) -> FeatureError {
            FeatureError(code: code, feature: feature, element: element, value: "\(value)", limit: limit)
        }
        let single = Float(value)
        guard single.isFinite else { throw refusal(.notFinite, "finite 32-bit floats") }
        if let min = limits?.min, value < min { throw refusal(.belowMin, "at least \(min)") }
        if let max = limits?.max, value > max { throw refusal(.aboveMax, "at most \(max)") }
        return single
    }
}
