import Conformance
import HVX

/// Runs recorded vectors and compares every byte of every output.
struct VectorReplay {
    /// How many cases passed and failed. A file that cannot be used counts as one that failed.
    struct Count: Equatable {
        var passed = 0
        var failed = 0
    }

    private let vectors: VectorFolder

    init(_ vectors: VectorFolder) { self.vectors = vectors }

    /// Replays all vectors, or those of one instruction or kernel.
    ///
    /// - Parameter report: Called with a line for each case that fails.
    /// - Throws: ``CommandError`` when the folder has nothing of that name.
    func run(only name: String? = nil, report: (String) -> Void) throws(CommandError) -> Count {
        let operations = vectors.operations.filter { name == nil || $0.name == name || $0.name == "Q6_\(name ?? "")" }
        let kernels = vectors.kernels.filter { name == nil || $0.kernel == name }
        if let name, operations.isEmpty, kernels.isEmpty { throw CommandError("\(vectors.path) has no \(name)") }
        var count = Count()
        for operation in operations {
            do { try replay(operation, &count, report) } catch {
                count.failed += 1
                report("\(operation.name): \(error)")
            }
        }
        for kernel in kernels {
            do {
                try replay(kernel)
                count.passed += 1
            } catch {
                count.failed += 1
                report("\(kernel.kernel), \(kernel.file): \(error)")
            }
        }
        return count
    }

    private func replay(
        _ recorded: RecordedOperation,
        _ count: inout Count,
        _ report: (String) -> Void
    ) throws(CommandError) {
        guard let operation = Catalogue.operation(named: recorded.name) else {
            throw CommandError("no such instruction is known")
        }
        let inputs = try places(recorded.inputs, operation.inputs, in: recorded)
        let outputs = try places(recorded.outputs, operation.outputs, in: recorded)
        let bytes = try vectors.bytes(recorded.file, sha256: recorded.sha256)
        let (size, overflow) = recorded.recordBytes.multipliedReportingOverflow(by: recorded.count)
        guard recorded.count >= 0, !overflow, size == bytes.count else {
            throw CommandError(
                "\(recorded.file) has \(bytes.count) bytes, not \(recorded.count) records of \(recorded.recordBytes)"
            )
        }
        for number in 0..<recorded.count {
            let record = bytes[number * recorded.recordBytes..<(number + 1) * recorded.recordBytes]
            let start = record.startIndex
            func part(_ place: Range<Int>) -> ArraySlice<UInt8> {
                record[start + place.lowerBound..<start + place.upperBound]
            }
            let actual: [UInt8]
            do { actual = try operation.run(inputs.flatMap(part)) } catch {
                count.failed += 1
                report("\(recorded.name) case \(number): \(error)")
                continue
            }
            var offset = 0
            var difference: String?
            for (output, place) in zip(recorded.outputs, outputs) where difference == nil {
                let end = offset + place.count
                difference = firstDifference(Array(part(place)), Array(actual[offset..<end]), output)
                offset = end
            }
            if let difference {
                count.failed += 1
                report("\(recorded.name) case \(number): \(difference)")
            } else {
                count.passed += 1
            }
        }
    }

    /// Where the operands of an instruction lie in a record.
    private func places(
        _ operands: [RecordedOperation.Operand],
        _ kinds: [OperandKind],
        in recorded: RecordedOperation
    ) throws(CommandError) -> [Range<Int>] {
        guard recorded.recordBytes >= 0 else { throw CommandError("a record has \(recorded.recordBytes) bytes") }
        // An immediate is a scalar that the instruction carries in itself.
        let names = operands.map { $0.kind == "I" ? "R" : $0.kind }
        guard names == kinds.map(\.rawValue) else {
            let expected = kinds.map(\.rawValue).joined(separator: " ")
            throw CommandError("the list has operands \(names.joined(separator: " ")), the instruction \(expected)")
        }
        var places: [Range<Int>] = []
        for (operand, kind) in zip(operands, kinds) {
            guard operand.offset >= 0, operand.offset <= recorded.recordBytes - kind.byteCount else {
                throw CommandError("\(operand.name) lies outside of a record of \(recorded.recordBytes) bytes")
            }
            places.append(operand.offset..<operand.offset + kind.byteCount)
        }
        return places
    }

    /// The first lane in which they differ, as text; nil when they are equal.
    private func firstDifference(
        _ expected: [UInt8],
        _ actual: [UInt8],
        _ output: RecordedOperation.Operand
    ) -> String? {
        guard let byte = expected.indices.first(where: { expected[$0] != actual[$0] }) else { return nil }
        if output.kind == "Q" {
            let bit = (expected[byte] ^ actual[byte]).trailingZeroBitCount
            let values = (expected[byte] >> UInt8(bit) & 1, actual[byte] >> UInt8(bit) & 1)
            return "\(output.name)[\(8 * byte + bit)], byte \(byte), expected \(values.0), actual \(values.1)"
        }
        let size =
            ["b": 1, "ub": 1, "h": 2, "uh": 2, "w": 4, "uw": 4][output.lane ?? ""] ?? (output.kind == "R" ? 4 : 1)
        let isSigned = ["b", "h", "w"].contains(output.lane)
        let lane = byte / size
        func value(_ bytes: [UInt8]) -> Int64 {
            let bits = bytes[lane * size..<(lane + 1) * size].reversed().reduce(Int64(0)) { $0 << 8 | Int64($1) }
            let unused = Int64(64 - 8 * size)
            return isSigned ? (bits << unused) >> unused : bits
        }
        let type = output.lane.flatMap { $0.isEmpty ? nil : $0 } ?? "ub"
        return "\(output.name).\(type)[\(lane)], byte \(byte), expected \(value(expected)), actual \(value(actual))"
    }

    /// - Throws: ``CommandError`` unless the reference and every variant that runs here give every output.
    private func replay(_ kernel: GoldenKernel) throws(CommandError) {
        let bytes = try vectors.bytes(kernel.file, sha256: kernel.sha256)
        let differences: [GoldenKernel.Difference]
        do { differences = try kernel.replay(bytes) } catch { throw CommandError("\(error)") }
        guard differences.isEmpty else {
            throw CommandError(differences.map(\.description).joined(separator: "; "))
        }
    }
}
