import ModelContainer
import ModelGraph
import Quantization

/// In what two containers differ, part by part.
struct ContainerDifference {
    /// One part that is not the same in both.
    struct Entry: Equatable {
        enum Part: String {
            case kind, task, graph, node, feature, encoding, tensor, report, golden, lineage, metadata
        }

        var part: Part
        var name: String
        /// What it was and is, or how many elements differ.
        var change: String
    }

    /// In the order of a container's parts, within each by name or as the model runs.
    private(set) var entries: [Entry] = []

    /// - Throws: what reading a tensor throws.
    init(_ old: ModelContainer, _ new: ModelContainer) throws(ContainerError) {
        let (a, b) = (old.manifest, new.manifest)
        compare(.kind, "", a.kind.rawValue, b.kind.rawValue)
        compare(.task, "", a.task?.rawValue, b.task?.rawValue)
        compareGraphs(a.graph, b.graph)
        compare(.feature, names(a.features.map(\.name), b.features.map(\.name))) { name in
            (a.features.first { $0.name == name }, b.features.first { $0.name == name })
        } text: {
            "\($0.shape)\($0.unit.map { " \($0)" } ?? "")"
        }
        compare(.encoding, names(a.encodings.keys.sorted(), b.encodings.keys.sorted())) {
            (a.encodings[$0], b.encodings[$0])
        } text: {
            "u8 \($0.scale) \($0.zeroPoint)"
        }
        compare(.encoding, names(a.wideEncodings.keys.sorted(), b.wideEncodings.keys.sorted())) {
            (a.wideEncodings[$0], b.wideEncodings[$0])
        } text: {
            "s16 \($0)"
        }
        for name in names(old.tensorNames, new.tensorNames) {
            let first = old.tensorNames.contains(name) ? try old.tensor(name) : nil
            let second = new.tensorNames.contains(name) ? try new.tensor(name) : nil
            guard first != second else { continue }
            add(.tensor, name, Self.change(first, second))
        }
        if a.quantizationReport != b.quantizationReport {
            func text(_ report: QuantizationReport?) -> String? {
                report.map { "\($0.signalToNoiseDB.fixed(2)) dB over \($0.rows) rows" }
            }
            let (first, second) = (text(a.quantizationReport), text(b.quantizationReport))
            add(.report, "", first == second ? "other layers" : Self.change(first, second))
        }
        if a.golden != b.golden {
            let (first, second) = (
                a.golden.map { "\($0.inputs.count) rows" }, b.golden.map { "\($0.inputs.count) rows" }
            )
            add(.golden, "", first == second ? "other questions or answers" : Self.change(first, second))
        }
        if a.lineage != b.lineage {
            let (first, second) = (a.lineage.map { "run \($0.runid)" }, b.lineage.map { "run \($0.runid)" })
            add(.lineage, "", first == second ? "other facts" : Self.change(first, second))
        }
        compare(.metadata, names(a.metadata.keys.sorted(), b.metadata.keys.sorted())) {
            (a.metadata[$0], b.metadata[$0])
        } text: {
            $0
        }
    }

    private mutating func compareGraphs(_ old: GraphStructure?, _ new: GraphStructure?) {
        compare(.graph, "name", old?.name, new?.name)
        compare(.graph, "inputs", old.map { Self.text($0.inputs) }, new.map { Self.text($0.inputs) })
        compare(.graph, "outputs", old?.outputs.joined(separator: ", "), new?.outputs.joined(separator: ", "))
        let (first, second) = (old?.nodes ?? [], new?.nodes ?? [])
        compare(.node, names(first.map(\.name), second.map(\.name))) { name in
            (first.first { $0.name == name }, second.first { $0.name == name })
        } text: {
            "\($0.operation.kind)(\($0.inputs.joined(separator: ", "))) as \($0.output)"
        }
        let common = Set(first.map(\.name)).intersection(second.map(\.name))
        if first.map(\.name).filter(common.contains) != second.map(\.name).filter(common.contains) {
            add(.graph, "nodes", "another order")
        }
    }

    private static func text(_ inputs: [TensorInfo]) -> String {
        inputs.map { "\($0.name) \($0.dataType.rawValue)\($0.shape)" }.joined(separator: ", ")
    }

    /// All names, those of the first in their order, then what only the second has.
    private func names(_ first: [String], _ second: [String]) -> [String] {
        let known = Set(first)
        return first + second.filter { !known.contains($0) }
    }

    private mutating func add(_ part: Entry.Part, _ name: String, _ change: String) {
        entries.append(Entry(part: part, name: name, change: change))
    }

    private mutating func compare(_ part: Entry.Part, _ name: String, _ old: String?, _ new: String?) {
        if old != new { add(part, name, Self.change(old, new)) }
    }

    private mutating func compare<Value: Equatable>(
        _ part: Entry.Part,
        _ names: [String],
        _ values: (String) -> (Value?, Value?),
        text: (Value) -> String
    ) {
        for name in names {
            let (old, new) = values(name)
            guard old != new else { continue }
            let (first, second) = (old.map(text), new.map(text))
            add(part, name, first == second ? "other parameters" : Self.change(first, second))
        }
    }

    private static func change(_ old: String?, _ new: String?) -> String {
        switch (old, new) {
        case (let old?, let new?): "\(old) -> \(new)"
        case (let old?, nil): "\(old) is gone"
        case (nil, let new?): "\(new) is new"
        case (nil, nil): ""
        }
    }

    private static func change(_ old: Tensor?, _ new: Tensor?) -> String {
        func form(_ tensor: Tensor) -> String { "\(tensor.dataType.rawValue)\(tensor.shape)" }
        guard let old, let new, old.shape == new.shape, old.dataType == new.dataType else {
            return change(old.map(form), new.map(form))
        }
        let (before, after) = (numbers(old), numbers(new))
        var differing = 0
        var greatest = 0.0
        // By their bits, so that NaN is the same as itself.
        let width = old.dataType.byteCount
        for index in before.indices
        where old.bytes[index * width..<(index + 1) * width] != new.bytes[index * width..<(index + 1) * width] {
            differing += 1
            greatest = max(greatest, (before[index] - after[index]).magnitude)
        }
        return "\(form(old)): \(differing) of \(before.count) elements differ, by \(greatest.short) at most"
    }

    private static func numbers(_ tensor: Tensor) -> [Double] {
        // One of the four: the type of a tensor says which.
        if let values = try? tensor.floats { return values.map(Double.init) }
        if let values = try? tensor.int8s { return values.map(Double.init) }
        if let values = try? tensor.uint8s { return values.map(Double.init) }
        if let values = try? tensor.int32s { return values.map(Double.init) }
        return []
    }
}
