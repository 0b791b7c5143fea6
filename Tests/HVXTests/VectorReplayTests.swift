import Foundation
import HVX
import Storage
import Testing

@testable import HexloopApp

/// A folder of recorded vectors that a test makes, and that goes with it.
private final class MadeFolder {
    let path = FileManager.default.temporaryDirectory.appending(path: "vectors-\(UUID().uuidString)").path

    init() throws {
        try FileManager.default.createDirectory(atPath: path + "/ops", withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ bytes: [UInt8], to file: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(file)"))
    }

    func write(list: String, to file: String = "ops.json") throws { try write(Array(list.utf8), to: file) }

    /// An `ops.json` with one instruction of two vectors and a result, whose parts a test may change.
    func writeAddition(
        name: String = "Q6_Vw_vadd_VwVw",
        file: String = "ops/add.bin",
        kinds: [String] = ["V", "V"],
        offsets: [String] = ["0", "128", "256"],
        recordBytes: String = "384",
        count: String = "1",
        sha256: String? = nil
    ) throws {
        let inputs = zip(kinds, offsets).map { #"{"name": "in", "kind": "\#($0)", "lane": "w", "offset": \#($1)}"# }
        try write(
            list: """
                {"ops": [{"name": "\(name)", "file": "\(file)", "inputs": [\(inputs.joined(separator: ", "))],
                "outputs": [{"name": "result", "kind": "V", "lane": "w", "offset": \(offsets[2])}],
                "record_bytes": \(recordBytes), "count": \(count)\(sha256.map { #", "sha256": "\#($0)""# } ?? "")}]}
                """
        )
    }

    func replay(only name: String? = nil) throws -> (count: VectorReplay.Count, lines: [String]) {
        var lines: [String] = []
        let count = try VectorReplay(VectorFolder(reading: path)).run(only: name) { lines.append($0) }
        return (count, lines)
    }
}

@Suite("A replay says what differs, and trusts no file")
struct VectorReplayTests {
    /// 2 + 3 in each word, and the sum.
    private let record: [UInt8] = (0..<96).flatMap { [UInt8($0 < 32 ? 2 : $0 < 64 ? 3 : 5), 0, 0, 0] }

    private func folder(_ bytes: [UInt8]? = nil) throws -> MadeFolder {
        let folder = try MadeFolder()
        try folder.write(bytes ?? record, to: "ops/add.bin")
        return folder
    }

    private func failure(_ change: (MadeFolder) throws -> Void) throws -> String {
        let folder = try folder()
        try change(folder)
        let (count, lines) = try folder.replay()
        #expect(count == VectorReplay.Count(passed: 0, failed: 1))
        #expect(lines.count == 1)
        return lines.first ?? ""
    }

    @Test("Equal bytes pass, and one instruction can be chosen with or without its prefix")
    func equal() throws {
        let folder = try folder(record + record)
        try folder.writeAddition(count: "2", sha256: BlobStore.digest(of: record + record))
        for name in [nil, "Q6_Vw_vadd_VwVw", "Vw_vadd_VwVw"] {
            #expect(try folder.replay(only: name).count == VectorReplay.Count(passed: 2, failed: 0))
        }
        #expect(throws: CommandError.self) { try folder.replay(only: "Q6_Vw_vsub_VwVw") }
    }

    @Test("A byte that differs is named: case, lane, expected, actual")
    func difference() throws {
        var bytes = record + record
        bytes[384 + 256 + 21] = 1
        let folder = try folder(bytes)
        try folder.writeAddition(count: "2")
        let (count, lines) = try folder.replay()
        #expect(count == VectorReplay.Count(passed: 1, failed: 1))
        #expect(lines == ["Q6_Vw_vadd_VwVw case 1: result.w[5], byte 21, expected 261, actual 5"])
    }

    @Test("A predicate that differs is named by its bit")
    func predicateDifference() throws {
        let folder = try MadeFolder()
        // Equal words, so all bits are set; one is recorded as clear.
        var bytes = [UInt8](repeating: 0, count: 256) + [UInt8](repeating: 255, count: 16)
        bytes[256 + 2] = 0xef
        try folder.write(bytes, to: "ops/eq.bin")
        try folder.write(
            list: """
                {"ops": [{"name": "Q6_Q_vcmp_eq_VwVw", "file": "ops/eq.bin", "record_bytes": 272, "count": 1,
                "inputs": [{"name": "Vu", "kind": "V", "offset": 0}, {"name": "Vv", "kind": "V", "offset": 128}],
                "outputs": [{"name": "result", "kind": "Q", "offset": 256}]}]}
                """
        )
        #expect(
            try folder.replay().lines
                == ["Q6_Q_vcmp_eq_VwVw case 0: result[20], byte 2, expected 0, actual 1"]
        )
    }

    @Test("An instruction nobody knows fails")
    func unknown() throws {
        #expect(try failure { try $0.writeAddition(name: "Q6_Vw_vfly_VwVw") }.contains("no such instruction"))
    }

    @Test("A file that is missing, cut, or not the one of the list fails and is named")
    func files() throws {
        #expect(try failure { try $0.writeAddition(file: "ops/gone.bin") }.contains("ops/gone.bin is not there"))
        let cut = try failure {
            try $0.writeAddition()
            try $0.write(record.dropLast(), to: "ops/add.bin")
        }
        #expect(cut.contains("ops/add.bin has 383 bytes, not 1 records of 384"))
        let other = try failure { try $0.writeAddition(sha256: String(repeating: "0", count: 64)) }
        #expect(other.contains("ops/add.bin has SHA-256 \(BlobStore.digest(of: record)), the list says 000"))
    }

    @Test("What is no regular file is not read")
    func irregular() throws {
        let pipe = try failure {
            try $0.writeAddition(file: "ops/pipe")
            #expect(mkfifo($0.path + "/ops/pipe", 0o600) == 0)
        }
        #expect(pipe.contains("ops/pipe is no regular file"))
        #expect(try failure { try $0.writeAddition(file: "ops") }.contains("ops is no regular file"))
        let folder = try folder()
        try folder.writeAddition()
        try FileManager.default.createDirectory(
            atPath: folder.path + "/kernels.json",
            withIntermediateDirectories: false
        )
        #expect(throws: CommandError.self) { try VectorFolder(reading: folder.path) }
    }

    @Test("A file outside of the folder is not read", arguments: ["/etc/hostname", "../add.bin", "ops/../../x", ""])
    func outside(_ file: String) throws {
        #expect(try failure { try $0.writeAddition(file: file) }.contains("does not lie in the folder"))
    }

    @Test("Operands that are not those of the instruction fail")
    func kinds() throws {
        let line = try failure { try $0.writeAddition(kinds: ["V", "R"]) }
        #expect(line.contains("the list has operands V R, the instruction V V"))
        #expect(try failure { try $0.writeAddition(kinds: ["V"]) }.contains("has operands V, the instruction V V"))
    }

    @Test(
        "Numbers that no file can have fail",
        arguments: [
            ["0", "-1", "256"], ["0", "300", "256"], ["0", "9223372036854775807", "256"], ["0", "128", "257"],
        ]
    )
    func offsets(_ offsets: [String]) throws {
        #expect(try failure { try $0.writeAddition(offsets: offsets) }.contains("lies outside of a record"))
    }

    @Test(
        "Sizes that no file can have fail",
        arguments: [
            ("-9223372036854775808", "1"), ("384", "-1"), ("384", "9223372036854775807"), ("384", "2"),
            ("9223372036854775807", "1"), ("0", "9223372036854775807"),
        ]
    )
    func sizes(_ recordBytes: String, _ count: String) throws {
        _ = try failure { try $0.writeAddition(recordBytes: recordBytes, count: count) }
    }

    @Test("An offset outside of the memory fails its case and no other", arguments: [129, -1, Int32.min])
    func memory(_ offset: Int32) throws {
        let folder = try MadeFolder()
        func record(_ offset: Int32) -> [UInt8] {
            let scalar = withUnsafeBytes(of: offset.littleEndian) { Array($0) }
            return [UInt8](repeating: 0, count: 256) + scalar + [UInt8](repeating: 0, count: 128)
        }
        try folder.write(record(offset) + record(128), to: "ops/load.bin")
        try folder.write(
            list: """
                {"ops": [{"name": "X_vmemu_load", "file": "ops/load.bin", "record_bytes": 388, "count": 2,
                "inputs": [{"name": "memory", "kind": "W", "offset": 0}, {"name": "offset", "kind": "R", "offset": 256}],
                "outputs": [{"name": "result", "kind": "V", "offset": 260}]}]}
                """
        )
        let (count, lines) = try folder.replay()
        #expect(count == VectorReplay.Count(passed: 1, failed: 1))
        #expect(lines == ["X_vmemu_load case 0: offset \(offset) reaches outside of the memory"])
    }

    @Test("Without a list, or with one that is not JSON, there is nothing to replay")
    func lists() throws {
        let folder = try MadeFolder()
        #expect(throws: CommandError.self) { try VectorFolder(reading: folder.path) }
        #expect(throws: CommandError.self) { try VectorFolder(reading: folder.path + "/nowhere") }
        for text in ["", "[]", "{}", #"{"ops": [{"name": 3}]}"#, #"{"ops": [{"name": "Q6_V_vzero"}]}"#] {
            try folder.write(list: text)
            let error = try #require(throws: CommandError.self) { try VectorFolder(reading: folder.path) }
            #expect(error.description.contains("ops.json is no list of vectors"))
        }
    }

    @Test("A kernel of a name that nobody computes fails, loudly")
    func unknownKernel() throws {
        let folder = try MadeFolder()
        try folder.write([], to: "fft.bin")
        try folder.write(
            list:
                #"{"cases": [{"kernel": "fft", "file": "fft.bin", "params": {"n": 1, "kind": "u8"}, "tensors": []}]}"#,
            to: "kernels.json"
        )
        let (count, lines) = try folder.replay()
        #expect(count == VectorReplay.Count(passed: 0, failed: 1))
        #expect(lines == ["fft, fft.bin: kernel 'fft' is not known"])
    }

    @Test("A kernel is computed by the reference and every variant, and each that differs is named")
    func kernel() throws {
        let folder = try MadeFolder()
        try folder.write(
            list: """
                {"cases": [{"kernel": "maxpool", "file": "p.bin", "params": {"H": 1, "W": 2, "C": 1, "kh": 1, "kw": 2,
                "stride": 1}, "tensors": [
                {"name": "input", "role": "input", "dtype": "u8", "shape": [2], "offset": 0},
                {"name": "output", "role": "output", "dtype": "u8", "shape": [1], "offset": 2}]}]}
                """,
            to: "kernels.json"
        )
        try folder.write([7, 9, 9], to: "p.bin")
        #expect(try folder.replay().count == VectorReplay.Count(passed: 1, failed: 0))
        try folder.write([7, 9, 8], to: "p.bin")
        let (count, lines) = try folder.replay()
        #expect(count == VectorReplay.Count(passed: 0, failed: 1))
        #expect(lines.first?.hasPrefix("maxpool, p.bin: reference: output byte 0 is 9, recorded 8; scalar") == true)
    }
}
