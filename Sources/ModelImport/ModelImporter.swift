import ModelGraph

/// Reads the model files of others.
public enum ModelImporter {
    /// What to do with a file beyond what it says.
    public struct Options: Sendable {
        /// Inputs of the file that are constants for this import, by name.
        public var bindings: [String: SourceTensor] = [:]
        /// Shapes for inputs whose dimensions the file leaves open, by name; all dimensions, the batch too.
        public var shapes: [String: [Int]] = [:]
        /// Whether the graph is made simpler where that changes nothing.
        public var isOptimized = true

        /// What most imports need.
        public init() {}
    }

    /// Reads a file, whose kind its contents say.
    ///
    /// - Throws: ``ImportError``; none goes away by trying again.
    public static func read(_ bytes: [UInt8], options: Options = Options()) throws(ImportError) -> ImportedModel {
        let model = try lower(bytes, options: options)
        guard !model.graph.outputs.isEmpty else { throw .nothingToCompute }
        return options.isOptimized ? try Optimizer.optimize(model) : model
    }

    /// As ``read(_:options:)``, but a model may give nothing but constants, whose graph is then empty.
    static func lower(_ bytes: [UInt8], options: Options) throws(ImportError) -> ImportedModel {
        guard bytes.count <= ImportLimits.fileBytesMax else {
            throw .tooLarge(what: "bytes of the file", actual: bytes.count, max: ImportLimits.fileBytesMax)
        }
        switch try FileKind.detect(bytes) {
        case .tflite: return try TFLiteImport.read(bytes[...])
        case .onnx: return try ONNXImport.read(bytes, options: options)
        }
    }
}

/// What a file is, by its first bytes.
enum FileKind {
    static func detect(_ bytes: [UInt8]) throws(ImportError) -> SourceDescription.Kind {
        guard !bytes.isEmpty else { throw .notAModel(reason: "the file is empty") }
        if bytes.count >= 8, bytes[4..<8].elementsEqual("TFL3".utf8) { return .tflite }
        if bytes.starts(with: "version https://git-lfs".utf8) {
            throw .notAModel(reason: "a Git LFS pointer, not the file it points at; fetch it with 'git lfs pull'")
        }
        for (magic, what) in others where bytes.starts(with: magic) {
            throw .notAModel(reason: what)
        }
        // The first field of an ONNX file is the version of its format, or one of the few others of the message.
        guard [0x08, 0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42].contains(bytes[0]) else {
            throw .notAModel(reason: "neither ONNX nor TFLite")
        }
        return .onnx
    }

    private static let others: [([UInt8], String)] = [
        ([0x89] + Array("HDF".utf8), "an HDF5 file, as older Keras writes"),
        ([0x89] + Array("HXM".utf8), "a container (.hxm), which needs no import"),
        (Array("PK".utf8), "a ZIP file, as PyTorch and newer Keras write"),
        ([0x80, 0x02], "a Python pickle"),
        ([0x80, 0x04], "a Python pickle"),
        (Array("GGUF".utf8), "a GGUF file"),
        (Array("<".utf8), "a web page"),
        (Array("{".utf8), "a JSON text"),
    ].map { ($0.0, $0.1 + "; export the model as ONNX or TFLite") }
}
