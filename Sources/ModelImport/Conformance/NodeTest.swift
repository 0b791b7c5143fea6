public import FoundationEssentials
import ModelGraph
import SwiftProtobuf

/// One of ONNX's own tests: a model of one operator with inputs and the outputs that the standard gives.
public struct NodeTest: Sendable {
    /// How a test ended.
    public enum Outcome: Sendable, Hashable {
        case passed
        /// An answer is wrong.
        case failed(String)
        /// The model was refused.
        case notSupported(String)
    }

    /// The name of its folder, without `test_`.
    public let name: String
    /// The operators of the model, each once, in order.
    public let operators: [String]
    /// The version of the operators.
    public let opset: Int
    private let bytes: [UInt8]
    private let model: Onnx_ModelProto
    private let inputs: [[UInt8]]
    private let outputs: [[UInt8]]

    /// Reads a folder with `model.onnx` and `test_data_set_0`.
    ///
    /// - Throws: ``ImportError/damaged(field:reason:)`` when a file is missing.
    public init(folder: URL) throws(ImportError) {
        let folderName = folder.lastPathComponent
        name = folderName.hasPrefix("test_") ? String(folderName.dropFirst(5)) : folderName
        guard let data = FileManager.default.contents(atPath: folder.appendingPathComponent("model.onnx").path) else {
            throw .damaged(field: "model.onnx", reason: "cannot be read")
        }
        bytes = Array(data)
        do { model = try Onnx_ModelProto(serializedBytes: bytes) } catch {
            throw .damaged(field: "model.onnx", reason: "cannot be decoded")
        }
        operators = model.graph.node.map { ONNXNode($0).kind }.reduce(into: []) { list, kind in
            if !list.contains(kind) { list.append(kind) }
        }
        opset = model.opsetImport.first { $0.domain.isEmpty }.map { Int(clamping: $0.version) } ?? 0
        let set = folder.appendingPathComponent("test_data_set_0")
        func tensors(_ what: String) -> [[UInt8]] {
            var result: [[UInt8]] = []
            while let data = FileManager.default.contents(
                atPath: set.appendingPathComponent("\(what)_\(result.count).pb").path
            ) { result.append(Array(data)) }
            return result
        }
        inputs = tensors("input")
        outputs = tensors("output")
    }

    /// What is wrong with the test itself, if something is.
    public var erratum: String? {
        if name.hasPrefix("qlinearmatmul_"), name.contains("int8_"), !name.contains("uint8") {
            return "the test wraps around where the standard says that integers saturate"
        }
        if name == "cast_FLOAT_to_BFLOAT16" || name == "castlike_FLOAT_to_BFLOAT16_expanded" {
            return "the test cuts off bits where runtimes round to the nearest"
        }
        return name == "averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_True"
            ? "the test counts what only completes the last window, which PyTorch does not" : nil
    }

    /// Whether every operator of the model is one that is imported.
    public var isOfSupportedOperators: Bool { operators.allSatisfy(ONNXOperands.operators.contains) }

    /// Runs the model in the float interpreter, as it is read and as it is optimized.
    public func run() -> Outcome {
        do {
            return try evaluate()
        } catch ImportError.unsupported(let problems) {
            return .notSupported(problems.first?.reason ?? "")
        } catch {
            return .notSupported("\(error)")
        }
    }

    private func evaluate() throws(ImportError) -> Outcome {
        let constants = Set(model.graph.initializer.map(\.name))
        let names = model.graph.input.map(\.name).filter { !constants.contains($0) }
        guard names.count >= inputs.count else { return .failed("more inputs than the model has") }
        for info in model.graph.input + model.graph.output {
            if let kind = info.other { throw .unsupported([.init(node: info.name, operation: "", reason: kind)]) }
        }
        var options = ModelImporter.Options()
        var feeds: [SourceTensor] = []
        for (name, bytes) in zip(names, inputs) {
            let info = model.graph.input.first { $0.name == name }
            let tensor = try self.tensor(bytes, info)
            // What an operator cannot compute from, as weights and shapes, these tests give as inputs.
            let isParameter = model.graph.node.count > 1 && tensor.type == .int64
            if isData(name), !isParameter, tensor.elementCount > 0 {
                feeds.append(tensor)
            } else {
                options.bindings[name] = tensor
            }
        }
        options.isOptimized = false
        let imported = try ModelImporter.lower(bytes, options: options)
        let answers = try FileRun(imported).run(feeds)
        if let failure = try difference(answers) { return .failed(failure) }
        guard !imported.graph.outputs.isEmpty else { return .passed }
        let again = try FileRun(Optimizer.optimize(imported)).run(feeds)
        if let failure = try difference(again) { return .failed("optimized: \(failure)") }
        return .passed
    }

    /// A tensor of the test's data, with the type that the model gives it: some are stored as integers of the same size.
    private func tensor(_ bytes: [UInt8], _ info: Onnx_ValueInfoProto?) throws(ImportError) -> SourceTensor {
        let proto: Onnx_TensorProto
        do { proto = try Onnx_TensorProto(serializedBytes: bytes) } catch {
            throw .damaged(field: "test data", reason: "no tensor")
        }
        let tensor = try SourceTensor(proto, field: "test data")
        guard let type = info.flatMap({ SourceTensor.types[Int($0.type.tensorType.elemType)] }), type.isFloat,
            !tensor.type.isFloat, type.byteCount == tensor.type.byteCount
        else { return tensor }
        return try SourceTensor(type: type, shape: tensor.shape, bytes: tensor.bytes, field: "test data")
    }

    /// Whether an input is one that its operators compute from.
    private func isData(_ name: String) -> Bool {
        let all: Set<String> = ["Add", "Sub", "Mul", "Div", "Sum", "Concat", "Max", "Min"]
        return model.graph.node.contains { node in
            node.input.enumerated().contains { place, input in
                input == name && (place == 0 && node.opType != "ConstantOfShape" || all.contains(node.opType))
            }
        } || model.graph.output.contains { $0.name == name }
    }

    /// The first answer that is not the one of the standard, with the tolerance of ONNX's own runner.
    private func difference(_ answers: [SourceTensor]) throws(ImportError) -> String? {
        guard answers.count == outputs.count else { return "\(answers.count) answers, not \(outputs.count)" }
        for (index, answer) in answers.enumerated() {
            let info = model.graph.output.indices.contains(index) ? model.graph.output[index] : nil
            let expected = try tensor(outputs[index], info)
            guard answer.shape == expected.shape else { return "shape \(answer.shape), not \(expected.shape)" }
            if expected.type.isFloat {
                for (a, b) in zip(answer.floats, expected.floats)
                where !(a == b || (a.isNaN && b.isNaN) || (a - b).magnitude <= 1e-7 + 1e-3 * b.magnitude) {
                    return "\(a), not \(b)"
                }
            } else {
                for (a, b) in zip(answer.integers, expected.integers) where a != b { return "\(a), not \(b)" }
            }
        }
        return nil
    }
}

extension Onnx_ValueInfoProto {
    /// What a value is, when it is no tensor.
    fileprivate var other: String? {
        switch type.value {
        case .sequenceType: "a sequence of tensors"
        case .mapType: "a map"
        case .optionalType: "a value that may be missing"
        case .sparseTensorType: "a sparse tensor"
        case .tensorType, .opaqueType, nil: nil
        }
    }
}
