import BusSimulation
import FoundationEssentials
import Inference
import Kernels
import ModelContainer

/// A quantized model in a file, ready to run.
struct ModelFile: Sendable {
    let path: String
    let byteCount: Int
    let model: QuantizedModel

    /// - Parameter variant: Nil for the fastest of this machine.
    init(_ path: String, variant: KernelVariant? = nil) throws(CommandError) {
        let (container, bytes) = try Self.container(path)
        guard container.manifest.kind == .quantizedModel else {
            throw CommandError("\(path) holds a \(container.manifest.kind.rawValue) and an int8-model is needed")
        }
        do { model = try QuantizedModel(container, variant: variant ?? .best) } catch {
            throw CommandError("\(path) cannot be run: \(error)")
        }
        self.path = path
        byteCount = bytes
    }

    /// Any container, checked, and the size of its file.
    static func container(_ path: String) throws(CommandError) -> (ModelContainer, byteCount: Int) {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandError("\(path) cannot be read; does it exist?")
        }
        do { return (try ModelContainer(parsing: Array(data)), data.count) } catch {
            throw CommandError("\(path) is no container that can be trusted: \(error)")
        }
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
