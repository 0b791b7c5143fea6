public import Inference
public import ModelGraph
public import ModelImport
import Quantization

extension EncodingsFile {
    /// The encodings for the graph of a model; they take the place of those that the model brought.
    ///
    /// A name may be that of a value or constant of the graph, or of the file that the model was read from.
    ///
    /// - Parameters:
    ///   - encodings: What the model brought.
    ///   - graph: The float model's graph.
    ///   - imported: What the model was read from; nil for a container.
    /// - Returns: All encodings, and which could not be used because their tensor is not in the graph any more.
    /// - Throws: ``EncodingsError/unknown(_:nearest:)``, ``EncodingsError/tensor(_:reason:)`` for what no byte can be.
    public func applied(
        to encodings: FixedEncodings,
        of graph: Graph,
        imported: ImportedModel?
    ) throws(EncodingsError) -> (encodings: FixedEncodings, departures: [KeptEncodings.Departure]) {
        var result = encodings
        var departures: [KeptEncodings.Departure] = []
        let values = Set(graph.inputs.map(\.name) + graph.nodes.map(\.output))
        var constants: [String: [String]] = Dictionary(uniqueKeysWithValues: graph.constants.keys.map { ($0, [$0]) })
        for (name, origins) in imported?.origins ?? [:] {
            for origin in origins where graph.constants[origin] == nil { constants[origin, default: []].append(name) }
        }
        let known = values.union(constants.keys).union(imported?.names ?? [])
        for entry in activations + parameters {
            guard known.contains(entry.name) else {
                throw .unknown(entry.name, nearest: EncodingsFile.nearest(to: entry.name, in: known))
            }
            if let names = constants[entry.name], !values.contains(entry.name) {
                for name in names.sorted() {
                    guard let tensor = graph.constants[name] else { continue }
                    guard let constant = try entry.integers(of: tensor) else {
                        departures.append(
                            .init(name: entry.name, reason: "a bias counts in steps of input times weights")
                        )
                        continue
                    }
                    result.constants[name] = constant
                }
            } else if values.contains(entry.name) {
                result.values[entry.name] = try entry.bytes
            } else {
                departures.append(.init(name: entry.name, reason: "it is fused into its neighbours"))
            }
        }
        return (result, departures)
    }

    /// The names that are most alike, at most three.
    private static func nearest(to name: String, in names: Set<String>) -> [String] {
        let limit = max(2, name.count / 2)
        return names.map { (distance($0, name), $0) }.filter { $0.0 <= limit }
            .sorted { ($0.0, $0.1) < ($1.0, $1.1) }.prefix(3).map(\.1)
    }

    /// How many letters must be put in, taken out or changed to make one of the other.
    private static func distance(_ first: String, _ second: String) -> Int {
        // Long names are cut: they differ at their ends, as a rule, and the rest would take the square of its length.
        let (first, second) = (Array(first.utf8.suffix(80)), Array(second.utf8.suffix(80)))
        var row = Array(0...second.count)
        for (i, a) in first.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, b) in second.enumerated() {
                let above = row[j + 1]
                row[j + 1] = min(diagonal + (a == b ? 0 : 1), above + 1, row[j] + 1)
                diagonal = above
            }
        }
        return row[second.count]
    }
}

extension EncodingsFile.Entry {
    /// How a value stands as bytes.
    fileprivate var bytes: Encoding {
        get throws(EncodingsError) {
            guard !isFloat else {
                throw .tensor(name, reason: "it asks for floats, which no value between integer layers can be")
            }
            guard bits == 8 else {
                throw .tensor(name, reason: "it has \(bits) bits, and values stand as bytes; give it 8 bits")
            }
            do throws(QuantizationError) {
                return try Encoding(scale: Float(scales[0]), zeroPoint: Int32(zeroPoints[0]))
            } catch { throw .tensor(name, reason: "\(error)") }
        }
    }

    /// The integers of weights; nil for a bias, which has 32 bits.
    fileprivate func integers(of tensor: Tensor) throws(EncodingsError) -> FixedEncodings.Constant? {
        guard !isFloat else { throw .tensor(name, reason: "it asks for floats, which no weights of integers can be") }
        guard bits < 32, tensor.shape.count > 1 else { return nil }
        guard bits <= 8 else {
            throw .tensor(name, reason: "it has \(bits) bits, and weights stand as bytes; give it 8 bits or fewer")
        }
        let rows = tensor.shape[0]
        guard scales.count == 1 || scales.count == rows else {
            throw .tensor(name, reason: "it has \(scales.count) encodings, and the tensor has \(rows) outputs")
        }
        let floats: [Float]
        do throws(GraphError) { floats = try tensor.floats } catch { throw .tensor(name, reason: "\(error)") }
        let greatest = 1 << bits - 1
        let middle = 1 << (bits - 1)
        let width = floats.count / max(rows, 1)
        // Integers count from 0; taken from the middle they are signed.
        let isSigned = zeroPoints.allSatisfy { $0 == middle || $0 == middle - 1 }
        var integers: [Int] = []
        integers.reserveCapacity(floats.count)
        for (index, float) in floats.enumerated() {
            let place = scales.count == 1 ? 0 : index / max(width, 1)
            let steps = (Double(float) / scales[place]).rounded(.toNearestOrAwayFromZero)
            guard steps.isFinite else { throw .tensor(name, reason: "an element is \(float)") }
            let integer = Int(min(max(steps + Double(zeroPoints[place]), 0), Double(greatest)))
            integers.append(isSigned ? integer - middle : integer)
        }
        return FixedEncodings.Constant(
            integers: isSigned
                ? Tensor(shape: tensor.shape, int8s: integers.map { Int8($0) })
                : Tensor(shape: tensor.shape, uint8s: integers.map { UInt8($0) }),
            scales: scales.map { Float($0) },
            zeroPoints: zeroPoints.map { Int32(isSigned ? $0 - middle : $0) }
        )
    }
}
