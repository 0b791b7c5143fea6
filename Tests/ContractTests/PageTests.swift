import Events
import Foundation
import Testing
import ZeroMQ

@testable import Bus

@Suite("The tables of docs/wire.md are the code's")
struct PageTests {
    private let page: String

    init() throws { page = try Repository.text("docs/wire.md") }

    private func section(_ number: Int) throws -> [Substring] {
        let after = try #require(page.components(separatedBy: "\n## \(number). ").dropFirst().first)
        return try #require(after.components(separatedBy: "\n## ").first).split(separator: "\n")
    }

    @Test("section 1 has the sockets with their ports and files")
    func sockets() throws {
        let rows = try section(1)
        for row in SocketTable.rows {
            let line = "| \(row.name) | \(row.binds) | \(row.connects) | `"
            let found = try #require(rows.first { $0.hasPrefix(line) }, "\(row.name)")
            #expect(found.contains("` | \(row.port) | `\(row.file).sock` |"))
        }
    }

    @Test("section 5 has every command with its number, section 11 those of artifacts")
    func commands() throws {
        let rows = try section(5) + section(11)
        for command in Command.allCases {
            let number = "\(command.rawValue)"
            let found = rows.contains { row in
                row.hasPrefix("| ")
                    && row.split(separator: "|")[0].split(separator: ",")
                        .contains { $0.trimmingCharacters(in: .whitespaces) == number }
            }
            #expect(found, "\(command)")
        }
    }

    @Test("section 15 explains every error code")
    func errorCodes() throws {
        let named = try section(15).filter { $0.hasPrefix("| `") }
            .flatMap { $0.split(separator: "|")[0].split(separator: "`") }.map {
                $0.trimmingCharacters(in: .whitespaces)
            }
        for code in ErrorCode.allCases { #expect(named.contains(code.rawValue), "\(code.rawValue)") }
    }

    @Test("section 16 has the limits as they are, and names constants that there are")
    func limits() throws {
        let rows = try section(16)
        func has(_ what: String, _ values: String...) {
            guard let row = rows.first(where: { $0.hasPrefix("| \(what)") }) else {
                Issue.record("section 16 has no row '\(what)'")
                return
            }
            for value in values { #expect(row.contains(value), "\(what): \(value)") }
        }
        has("one frame", "1 MiB")
        #expect(SocketOptions().messageBytesMax == 1 << 20)
        has("one message", "\(Socket.framesMax) frames", "\(Socket.messageBytesMax >> 20) MiB")
        has("topic", "\(Topic.bytesMax) bytes")
        has("header, data of an event", text(CloudEvent.headerBytesMax), text(CloudEvent.dataBytesMax))
        has("events that wait for the disk", "\(Broker.pendingBytesMax >> 20) MiB")
        let limits = BusLimits()
        has("credit of a subscription", text(limits.creditMax))
        has("subscriptions and memberships", "\(limits.subscriptionsMax); \(limits.filtersMax)")
        has("records in a FETCH answer", text(limits.fetchMax))
        has("questions that wait", text(limits.waitingRequestsMax))
        has("questions in one JOB", "\(WorkGroup.batchMax), \(WorkGroup.batchBytesMax >> 20) MiB")
        has("work groups", text(Broker.groupsMax))
        has("deliveries of a job", "\(WorkGroup.deliveriesMax)")
        let silence = (Broker.silenceMax, ClientCore.silenceMax)
        has("silence of a client", "\(silence.0.components.seconds) s, \(silence.1.components.seconds) s")
        has("chunk, chunks under way", "\(ArtifactLimits.chunkBytes >> 10) KiB, \(ArtifactLimits.chunksInFlightMax), ")
        let sources = try (Repository.files("Sources", ".swift") + Repository.files("services", ".swift"))
            .map { try Repository.text($0) }
        for row in rows.filter({ $0.hasPrefix("| ") }).dropFirst() {
            let cells = row.split(separator: "|")
            for name in cells[cells.count - 1].split(separator: "`").filter({ $0.contains(".") }) {
                let constant = name.split(separator: ".").last.map(String.init) ?? ""
                let declared = sources.contains {
                    $0.contains("static let \(constant)") || $0.contains("var \(constant)")
                }
                #expect(declared, "\(name) is not in the code")
            }
        }
    }

    private func text(_ number: Int) -> String {
        number < 1000 ? "\(number)" : "\(number / 1000),\(String("\(1000 + number % 1000)".dropFirst()))"
    }
}
