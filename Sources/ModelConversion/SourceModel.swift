public import Inference
public import ModelContainer
import ModelGraph
public import ModelImport

/// A model to convert, of any kind of file: a float model, and what its file says of integers.
public struct SourceModel: Sendable {
    /// The float model.
    public let container: ModelContainer
    /// What was read, unless the file was a container.
    public let imported: ImportedModel?
    /// The integers of the file, by the names of the float model's graph.
    public let encodings: FixedEncodings

    /// What became of the file's own integers before they reached ``encodings``.
    public let departures: [KeptEncodings.Departure]

    /// The key of the metadata that names the format of the file, and the program that wrote it.
    public static let sourceKey = "source"
    /// The key of the metadata with the names of the classes, a line each.
    public static let labelsKey = "labels"

    /// Reads a container (`.hxm`) with a float model, or a file of ONNX or TFLite; the contents say which.
    ///
    /// - Parameter task: What the answers mean; nil for what the container says, or else classification when the answer is
    ///   one row of at least two numbers.
    /// - Throws: ``SourceModelError``; none goes away by trying again.
    public init(_ bytes: [UInt8], task: ModelTask? = nil) throws(SourceModelError) {
        if ModelContainer.isContainer(bytes) {
            let container: ModelContainer
            do throws(ContainerError) { container = try ModelContainer(parsing: bytes) } catch {
                throw .container(error)
            }
            try self.init(container)
            return
        }
        let model: ImportedModel
        do throws(ImportError) { model = try ModelImporter.read(bytes) } catch { throw .file(error) }
        try self.init(model, task: task)
    }

    /// Takes a container.
    ///
    /// - Throws: ``SourceModelError/notFloat(_:)``.
    public init(_ container: ModelContainer) throws(SourceModelError) {
        guard container.manifest.kind == .floatModel else { throw .notFloat(container.manifest.kind) }
        self.container = container
        imported = nil
        encodings = FixedEncodings()
        departures = []
    }

    /// Makes a float model of one that was read.
    ///
    /// - Throws: ``SourceModelError``.
    public init(_ model: ImportedModel, task: ModelTask? = nil) throws(SourceModelError) {
        var metadata = [
            SourceModel.sourceKey: "\(model.source.kind.rawValue) \(model.source.version), \(model.source.producer)"
        ]
        if !model.labels.isEmpty { metadata[SourceModel.labelsKey] = model.labels.joined(separator: "\n") }
        do throws(ContainerError) {
            container = try ModelContainer(
                parsing: ModelContainer.floatModel(
                    graph: model.graph,
                    features: [],
                    task: task ?? SourceModel.task(of: model.graph),
                    lineage: nil,
                    metadata: metadata
                )
            )
        } catch { throw .container(error) }
        imported = model
        var departures: [KeptEncodings.Departure] = []
        var constants: [String: FixedEncodings.Constant] = [:]
        for (name, constant) in model.quantizedConstants.sorted(by: { $0.key < $1.key }) {
            guard constant.axis ?? 0 == 0 else {
                let reason = "its scales are not by output, but by dimension \(constant.axis ?? 0)"
                departures.append(.init(name: name, reason: reason))
                continue
            }
            constants[name] = FixedEncodings.Constant(
                integers: constant.integers,
                scales: constant.scales,
                zeroPoints: constant.zeroPoints
            )
        }
        encodings = FixedEncodings(
            values: model.encodings,
            constants: constants,
            rounding: model.source.kind == .tflite ? .twiceInConvolutions : .once
        )
        self.departures = departures
    }

    private static func task(of graph: Graph) -> ModelTask {
        // nil when the graph is not sound, which the container says itself.
        guard graph.outputs.count == 1, let shape = try? graph.values()[graph.outputs[0]]?.shape else {
            return .regression
        }
        return (shape.last ?? 1) > 1 && shape.last == shape.reduce(1, *) ? .classification : .regression
    }
}

/// Why a file is no model to convert.
public enum SourceModelError: Error, Sendable, Hashable, CustomStringConvertible {
    /// It is a container, and cannot be read.
    case container(ContainerError)
    /// It is a container of something else.
    case notFloat(ContainerKind)
    /// It is another file, and cannot be imported.
    case file(ImportError)

    /// What went wrong, for a person; more than one line when several nodes are not supported.
    public var description: String {
        switch self {
        case .container(let error): "no container that can be trusted: \(error)"
        case .notFloat(let kind): "it holds a \(kind.rawValue) and a float-model is needed"
        case .file(let error): "\(error)"
        }
    }
}
