public import ModelGraph
public import Quantization

/// Where a model comes from, as its file says.
public struct SourceDescription: Sendable, Hashable {
    /// The format of the file.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        case onnx
        case tflite
    }

    /// The format of the file.
    public var kind: Kind
    /// The program that wrote the file.
    public var producer: String
    /// The version of the operators of ONNX, or of the schema of TFLite.
    public var version: Int
}

/// An input or an output of a model, in the terms of its file.
public struct ImportedPort: Sendable {
    /// Its name in the file.
    public var name: String
    /// The type that the file gives it.
    public var type: ElementType
    /// All dimensions, a batch of one among them.
    public var shape: [Int]
    /// How the integers of the file stand for the real numbers of the graph, if they do.
    public var encoding: TensorEncoding?
    /// For each dimension of the graph's value the dimension of ``shape``, or -1 for one more of a single element. What
    /// is not listed has a single element.
    public var axes: [Int]
    /// The name of the graph's value; nil for an output that does not depend on the inputs.
    public var value: String?
    /// What such an output always is.
    public var constant: SourceTensor?
    var rounding = Value.Rounding.nearest
    var measured: MeasuredEncoding?
}

/// A model that was read from a file.
///
/// ``graph`` computes with real numbers whatever the file computes with. What a quantized file says of its integers is
/// kept beside it, exactly.
public struct ImportedModel: Sendable {
    /// The model.
    public var graph: Graph
    /// Where it comes from.
    public var source: SourceDescription
    /// In the order of the file, and of `graph.inputs`.
    public var inputs: [ImportedPort]
    /// In the order of the file.
    public var outputs: [ImportedPort]
    /// How values of the graph stand as bytes in the file, by the name of the value.
    public var encodings: [String: Encoding]
    /// The integers of constants, by the name of the graph's constant.
    public var quantizedConstants: [String: QuantizedConstant]
    /// What was changed on the way, a line each.
    public var notes: [String]
    /// The names of the classes that an output of labels would give.
    public var labels: [String] = []
    /// By the name of a constant of the graph, the file's constants that have the same elements, perhaps in another order.
    public var origins: [String: [String]] = [:]
    /// All values and constants that the file names.
    public var names: Set<String> = []
}

/// A model whose nodes are all lowered.
struct LoweredModel {
    struct Port {
        var name: String
        var type: ElementType
        var shape: [Int]
        var value: Value
    }

    var source: SourceDescription
    var inputs: [Port] = []
    var outputs: [Port] = []
    var notes: [String] = []
    var labels: [String] = []
    var names: Set<String> = []

    /// What was done to the nodes of a file before there was a graph.
    static func notes(folded: Int, dead: Int) -> [String] {
        let counts = [
            ("nodes computed that read nothing but constants", folded),
            ("nodes that no answer depends on, left out", dead),
        ]
        return counts.filter { $0.1 > 0 }.map { "\($0.0): \($0.1)" }
    }

    /// - Throws: ``ImportError/unsupported(_:)`` with everything that was refused.
    func finished(_ lowering: Lowering, _ builder: GraphBuilder) throws(ImportError) -> ImportedModel {
        guard lowering.problems.isEmpty else { throw .unsupported(lowering.problems) }
        var builder = builder
        builder.current = ("", "output")
        let computed = outputs.filter { $0.value.constant == nil }
        let forms: (inputs: [GraphBuilder.Form], outputs: [GraphBuilder.Form])
        do throws(Refusal) {
            forms = try builder.finish(inputs: inputs.map(\.value), outputs: computed.map(\.value))
        } catch {
            switch error {
            case .unsupported(let reason): throw .unsupported([.init(node: "", operation: "graph", reason: reason)])
            case .damaged(let reason): throw .damaged(field: "graph", reason: reason)
            case .fatal(let error): throw error
            }
        }
        var given = forms.outputs[...]
        var model = ImportedModel(
            graph: builder.graph,
            source: source,
            inputs: zip(inputs, forms.inputs).map { port, form in
                ImportedPort(
                    name: port.name,
                    type: port.type,
                    shape: port.shape,
                    encoding: builder.inputEncoding(port.value),
                    axes: form.axes,
                    value: form.name
                )
            },
            outputs: outputs.map { port in
                var result = ImportedPort(
                    name: port.name,
                    type: port.type,
                    shape: port.shape,
                    encoding: port.value.encoding,
                    axes: [],
                    value: nil,
                    constant: port.value.constant?.tensor,
                    rounding: port.value.rounding,
                    measured: port.value.measured
                )
                if port.value.constant == nil, let form = given.popFirst() {
                    result.axes = form.axes
                    result.value = form.name
                }
                return result
            },
            encodings: builder.encodings,
            quantizedConstants: builder.quantizedConstants,
            notes: notes,
            labels: labels,
            origins: builder.origins,
            names: names
        )
        if !model.graph.outputs.isEmpty {
            do throws(GraphError) { try model.graph.validate() } catch { throw .graph(error) }
        }
        // Only what is there: a fold may have left names behind.
        let values = Set(model.graph.nodes.map(\.output)).union(model.graph.inputs.map(\.name))
        model.encodings = model.encodings.filter { values.contains($0.key) }
        return model
    }
}
