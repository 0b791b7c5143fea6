import ModelGraph

/// Gives each element of an input its own share of the 256 levels that the integers have.
///
/// A row of a pipeline often has elements of very different size, such as a load of 4 and a speed of 900. One scale for
/// all of them would leave the load two levels. A standardization before the first layer, undone in its weights, changes
/// nothing in real numbers, and the quantizer folds it into the encoding of the input, element by element.
enum InputLevels {
    /// Elements whose ranges differ by no more than this stay as they are.
    private static let ratioMax: Float = 4

    /// Levels every flat input that one fully-connected layer alone reads.
    ///
    /// - Returns: The names of the inputs that were levelled.
    static func level(_ graph: inout Graph, _ rows: OfferedRows) -> [String] {
        var levelled: [String] = []
        var offset = 0
        for info in graph.inputs {
            let count = info.shape.reduce(1, *)
            let elements = offset..<offset + count
            offset += count
            let readers = graph.nodes.indices.filter { graph.nodes[$0].inputs.contains(info.name) }
            guard count > 1, info.shape.last == count, info.dataType == .float32, readers.count == 1,
                !graph.outputs.contains(info.name),
                case .fullyConnected(let weights, let bias, let activation) = graph.nodes[readers[0]].operation,
                let changed = changed(graph, weights: weights, bias: bias, elements.map { rows.range(of: $0..<$0 + 1) })
            else { continue }
            let name = "\(info.name).levelled"
            var constants = graph.constants
            let added = [
                ("scale", Tensor(shape: [count], floats: changed.scale)),
                ("offset", Tensor(shape: [count], floats: changed.offset)),
                ("weights", Tensor(shape: graph.constants[weights]?.shape ?? [], floats: changed.weights)),
                ("bias", Tensor(shape: graph.constants[bias]?.shape ?? [], floats: changed.bias)),
            ].map { ("\(name).\($0)", $1) }
            guard added.allSatisfy({ constants.updateValue($1, forKey: $0) == nil }),
                !graph.nodes.contains(where: { $0.name == name || $0.output == name })
            else { continue }
            graph.constants = constants
            graph.nodes[readers[0]].operation = .fullyConnected(
                weights: "\(name).weights",
                bias: "\(name).bias",
                activation: activation
            )
            graph.nodes[readers[0]].inputs = [name]
            graph.nodes.insert(
                Node(
                    name: name,
                    operation: .affine(scale: "\(name).scale", offset: "\(name).offset"),
                    input: info.name,
                    output: name
                ),
                at: 0
            )
            levelled.append(info.name)
        }
        return levelled
    }

    /// The standardization of elements with such ranges, and the layer behind it; nil when it would not help.
    private static func changed(
        _ graph: Graph,
        weights: String,
        bias: String,
        _ ranges: [(min: Float, max: Float)?]
    ) -> (scale: [Float], offset: [Float], weights: [Float], bias: [Float])? {
        guard let all = try? graph.constants[weights]?.floats, let sums = try? graph.constants[bias]?.floats,
            all.count == sums.count * ranges.count
        else { return nil }
        var centers: [Double] = []
        var halves: [Double] = []
        for range in ranges {
            guard let range else { return nil }
            let center = (Double(range.min) + Double(range.max)) / 2
            let half = (Double(range.max) - Double(range.min)) / 2
            centers.append(center)
            halves.append(half > 0 ? half : max(abs(center), 1))
        }
        let reach = ranges.compactMap { $0.map { max(abs($0.min), abs($0.max)) } }
        guard let widest = reach.max(), let narrowest = halves.min(), Double(widest) > Double(ratioMax) * narrowest
        else {
            return nil
        }
        var changed = all
        var shifted = sums.map(Double.init)
        for output in sums.indices {
            for element in ranges.indices {
                let weight = Double(all[output * ranges.count + element])
                changed[output * ranges.count + element] = Float(weight * halves[element])
                shifted[output] += weight * centers[element]
            }
        }
        let numbers = (
            scale: halves.map { Float(1 / $0) }, offset: zip(centers, halves).map { Float(-$0 / $1) }, weights: changed,
            bias: shifted.map(Float.init)
        )
        let isFinite = [numbers.scale, numbers.offset, numbers.weights, numbers.bias].allSatisfy {
            $0.allSatisfy(\.isFinite)
        }
        return isFinite ? numbers : nil
    }
}
