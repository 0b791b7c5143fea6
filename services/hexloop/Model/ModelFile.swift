import BusSimulation
import FoundationEssentials
import Inference
import Kernels
import ModelContainer
import ModelConversion

/// A quantized model in a file, ready to run.
struct ModelFile: Sendable {
    let path: String
    let byteCount: Int
    let container: ModelContainer
    let model: QuantizedModel
    /// What it was made of just now, when the file is that of another program.
    let source: SourceFile?

    /// Reads a container, or a quantized file of ONNX or TFLite, whose integers are kept.
    ///
    /// - Parameter variant: Nil for the fastest of this machine.
    init(_ path: String, variant: KernelVariant? = nil) throws(CommandError) {
        if try Self.isContainer(path) {
            (container, byteCount) = try Self.container(path)
            source = nil
        } else {
            let source = try SourceFile(path)
            container = try Self.quantized(source)
            byteCount = source.byteCount
            self.source = source
        }
        guard container.manifest.kind == .quantizedModel else {
            throw CommandError("\(path) holds a \(container.manifest.kind.rawValue) and an int8-model is needed")
        }
        do { model = try QuantizedModel(container, variant: variant ?? .best) } catch {
            throw CommandError("\(path) cannot be run: \(error)")
        }
        self.path = path
    }

    /// Any container, checked, or the float model that a file of another program holds, and the size of its file.
    static func container(_ path: String) throws(CommandError) -> (ModelContainer, byteCount: Int) {
        let bytes = try contents(path)
        guard ModelContainer.isContainer(bytes) else {
            let source = try SourceFile(path)
            return (source.container, source.byteCount)
        }
        do { return (try ModelContainer(parsing: bytes), bytes.count) } catch {
            throw CommandError("\(path) is no container that can be trusted: \(error)")
        }
    }

    /// The bytes of a model's file.
    static func contents(_ path: String) throws(CommandError) -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandError("\(path) cannot be read; does it exist?")
        }
        return Array(data)
    }

    private static func isContainer(_ path: String) throws(CommandError) -> Bool {
        ModelContainer.isContainer(try contents(path))
    }

    /// An int8 model with the integers of a quantized file.
    private static func quantized(_ source: SourceFile) throws(CommandError) -> ModelContainer {
        guard !source.model.encodings.values.isEmpty else {
            throw CommandError(
                "\(source.path) is a float model; make an int8 model of it with 'hexloop model convert'"
            )
        }
        do {
            let options = QuantizationOptions(fixed: source.model.encodings)
            let result = try Quantizer.quantize(model: source.container, calibration: [], rows: 0, options: options)
            return try ModelContainer(parsing: result.container)
        } catch { throw CommandError("\(source.path) cannot be converted: \(error)") }
    }

    var name: String { path.split(separator: "/").last.map(String.init) ?? path }

    /// The multiply-adds of one row.
    var multiplyAdds: Int { model.steps.reduce(0) { $0 + $1.multiplyAdds } }

    /// Bytes that a row may have; the same seed gives the same.
    func randomRows(_ rows: Int, seed: UInt64) -> [UInt8] {
        var random = SeededGenerator(seed: seed)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(rows * model.plan.inputBytes)
        for _ in 0..<rows {
            for input in model.plan.inputs {
                let value = model.plan.values[input.value]
                switch value.storage {
                case .indices:
                    let limit = UInt64(max(1, input.rowsOfTable ?? 1))
                    for _ in 0..<value.count {
                        let index = UInt32(random.next() % limit)
                        for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(index >> shift & 0xFF)) }
                    }
                case .reals:
                    for _ in 0..<value.count {
                        let bits = (Float(random.next() >> 40) / 0x1p23 - 1).bitPattern
                        for shift in stride(from: 0, to: 32, by: 8) {
                            bytes.append(UInt8(bits >> UInt32(shift) & 0xFF))
                        }
                    }
                case .bytes, .halfwords, .sums:
                    for _ in 0..<value.rowBytes { bytes.append(UInt8(random.next() >> 56)) }
                }
            }
        }
        return bytes
    }
}
