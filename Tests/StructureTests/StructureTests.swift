import Foundation
import Testing

/// What prose cannot keep: the doors to foreign things, calls that have no place here, and files that must agree.
struct StructureTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private struct Source {
        let path: String
        let lines: [Substring]
    }

    private static func sources(under folders: [String]) throws -> [Source] {
        try folders.flatMap { folder -> [Source] in
            let base = root.appendingPathComponent(folder)
            let files = FileManager.default.enumerator(atPath: base.path)?.compactMap { $0 as? String } ?? []
            return try files.filter { $0.hasSuffix(".swift") }.map { file in
                let text = try String(contentsOf: base.appendingPathComponent(file), encoding: .utf8)
                return Source(path: "\(folder)/\(file)", lines: text.split(separator: "\n"))
            }
        }
    }

    private static func findings(_ folders: [String], where isBad: (Source, Substring) -> Bool) throws -> [String] {
        try sources(under: folders).flatMap { source in
            source.lines.filter { isBad(source, $0) }.map { "\(source.path): \($0)" }
        }
    }

    @Test("Each foreign thing has one door")
    func doors() throws {
        let doors = [
            "CChecksum": "Sources/Bus/", "CFloat": "Sources/ModelGraph/", "CKernels": "Sources/Kernels/",
            "COpenBLAS": "Sources/Training/", "CZeroMQ": "Sources/ZeroMQ/", "SwiftProtobuf": "Sources/ModelImport/",
        ]
        for (module, door) in doors {
            let found = try Self.findings(["Sources", "services"]) { source, line in
                line.hasSuffix("import \(module)") && !source.path.hasPrefix(door)
            }
            #expect(found == [])
        }
        let storage = try Self.findings(["Sources"]) { source, line in
            line.hasSuffix("import GRDB") && !source.path.hasPrefix("Sources/Storage/")
                && !source.path.hasPrefix("Sources/KnownPipelines/")
        }
        #expect(storage == [])
    }

    @Test("Libraries and services do not trap on purpose, print, or start loose tasks")
    func bannedCalls() throws {
        let banned = ["try!", "fatalError(", " as! ", "Task.detached", "Thread.sleep", "usleep("]
        let found = try Self.findings(["Sources", "services"]) { _, line in
            let code = line.split(separator: "//", maxSplits: 1, omittingEmptySubsequences: false).first ?? ""
            return banned.contains { code.contains($0) }
        }
        #expect(found == [])
        let printed = try Self.findings(["Sources"]) { _, line in line.drop { $0 == " " }.hasPrefix("print(") }
        #expect(printed == [])
    }

    @Test("What libzmq offers and nobody should take is not taken; docs/libzmq.md says why")
    func bannedOptions() throws {
        let banned = [
            "ZMQ_HEARTBEAT", "ZMQ_CONFLATE", "zmq_proxy", "ZMQ_FD", "ZMQ_EVENTS", "ZMQ_ROUTING_ID", "ZMQ_IDENTITY",
            "ZMQ_ROUTER_HANDOVER", "ZMQ_XPUB_NODROP", "ZMQ_RADIO", "ZMQ_DISH", "ZMQ_PUSH", " fork()", " vfork()",
            "Foundation.Process", "Process()",
        ]
        let found = try Self.findings(["Sources", "services"]) { _, line in
            let code = line.split(separator: "//", maxSplits: 1, omittingEmptySubsequences: false).first ?? ""
            return banned.contains { code.contains($0) }
        }
        #expect(found == [])
    }

    @Test("Each trap of libzmq is in the document, with a test that exists")
    func trapTable() throws {
        let text = try String(contentsOf: Self.root.appendingPathComponent("docs/libzmq.md"), encoding: .utf8)
        let tests = try Self.sources(under: ["Tests"]).map { $0.lines.joined(separator: "\n") }.joined()
        let rows = text.split(separator: "\n").filter { $0.hasPrefix("| T") }
        #expect(
            rows.compactMap { $0.split(separator: "|").first.map { $0.trimmingCharacters(in: .whitespaces) } }
                == (1...25).map { "T\($0)" }
        )
        for row in rows {
            // In the last column, `Suite.test`.
            let names = row.split(separator: "|").last?.split(separator: "`").filter { $0.contains(".") } ?? []
            #expect(!names.isEmpty || row.contains("cannot occur"), "\(row)")
            for name in names {
                let parts = name.split(separator: ".")
                #expect(parts.count == 2 && tests.contains("struct \(parts[0])"), "no suite for \(name)")
                #expect(parts.count == 2 && tests.contains("func \(parts[1])("), "no test for \(name)")
            }
        }
    }

    @Test("Tests wait for messages, never for time")
    func sleeplessTests() throws {
        let found = try Self.findings(["Tests"]) { source, line in
            !source.path.contains("StructureTests") && line.contains("Task.sleep")
        }
        #expect(found == [])
    }

    @Test("The compose file runs every program of the package, and the image holds them all")
    func compose() throws {
        let services = try FileManager.default.contentsOfDirectory(
            atPath: Self.root.appendingPathComponent("services").path
        )
        let compose = try String(
            contentsOf: Self.root.appendingPathComponent("compose/docker-compose.yml"),
            encoding: .utf8
        )
        for service in services where service != "hexloop" {
            #expect(compose.contains("\n  \(service):"), "compose/docker-compose.yml lacks \(service)")
        }
    }
}
