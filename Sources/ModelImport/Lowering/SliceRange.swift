/// Which elements a slice takes of a dimension, in the way of NumPy: counted from the end when negative, cut at the ends.
struct SliceRange {
    /// The first element.
    let begin: Int
    /// How many elements, `step` apart.
    let count: Int

    /// - Parameters:
    ///   - start: nil for the first element in the direction of the step.
    ///   - end: The first element that is not taken; nil for all to the end.
    init(start: Int?, end: Int?, step: Int, extent: Int) throws(Refusal) {
        guard step != 0, step != .min else { throw .damaged("a step of \(step)") }
        func place(_ number: Int) -> Int { number < 0 ? max(number, -extent - 1) + extent : min(number, extent) }
        if step > 0 {
            begin = start.map { max(0, place($0)) } ?? 0
            let end = end.map { max(0, place($0)) } ?? extent
            count = end > begin ? (end - begin - 1) / step + 1 : 0
        } else {
            begin = start.map { min(max(place($0), -1), extent - 1) } ?? extent - 1
            let end = end.map { max(place($0), -1) } ?? -1
            count = begin > end ? (begin - end - 1) / -step + 1 : 0
        }
    }
}

extension GraphBuilder {
    /// Parts of a dimension, one after the other.
    mutating func split(_ value: Value, _ parts: [Int], axis: Int) throws(Refusal) -> [Value?] {
        let extent = value.shape[axis]
        guard parts.allSatisfy((0...extent).contains), parts.reduce(0, +) == extent else {
            throw .damaged("parts of \(parts.prefix(16)) for \(extent) elements")
        }
        var results: [Value?] = []
        var first = 0
        for part in parts {
            var (begin, counts) = ([Int](repeating: 0, count: value.shape.count), value.shape)
            (begin[axis], counts[axis]) = (first, part)
            results.append(try slice(value, begin: begin, counts: counts, stride: counts.map { _ in 1 }))
            first += part
        }
        return results
    }
}
