import Events
import Foundation
import Testing

@testable import Bus

@Suite("docs/asyncapi.json is the code's channels")
struct AsyncAPITests {
    private let document: JSONValue
    private let page: String

    init() throws {
        document = try Repository.json("docs/asyncapi.json")
        page = try Repository.text("docs/wire.md")
    }

    private func key(_ kind: EventKind) -> String { "\(kind.noun)-\(kind.verb)-v\(kind.version)" }

    @Test("every event has its channel with the code's topic, and no other topic of Hexloop's has one")
    func topics() throws {
        var topics: Set<String> = ["c/head/", "e/{site}/external/{type}/v1/{subject}/"]
        for event in Contract.kinds {
            let kind = event.kind
            let topic = try kind.topic(site: "site", subject: "subject").text
                .replacingOccurrences(of: "/site/", with: "/{site}/")
                .replacingOccurrences(of: "/subject/", with: "/{subject}/")
            topics.insert(topic)
            let channel = try #require(document.at("/channels/\(key(kind))"), "no channel of \(kind)")
            #expect(channel["address"] == .string(topic))
            #expect(Set(channel["parameters"]?.object.keys.map { $0 } ?? []) == ["site", "subject"])
            let message = try #require(document.at("/components/messages/\(key(kind))"))
            #expect(message["name"] == .string(kind.type))
            #expect(message.at("/headers/properties/type/const") == .string(kind.type))
            #expect(message.at("/payload/schema/$ref") == .string("schemas/\(Contract.name(kind)).json"))
        }
        let addresses = document["channels"]?.object.values.compactMap { $0["address"]?.string } ?? []
        #expect(Set(addresses.filter { !$0.hasPrefix("/") }) == topics)
    }

    @Test("every reference leads somewhere")
    func references() throws {
        for reference in document.all.compactMap({ $0["$ref"]?.string })
            + document.all.compactMap({ $0["json"]?.string })
        {
            if reference.hasPrefix("#") {
                #expect(document.at(reference) != nil, "\(reference)")
            } else {
                let file = Repository.root.appendingPathComponent("docs/\(reference)").path
                #expect(FileManager.default.fileExists(atPath: file), "\(reference)")
            }
        }
        for (name, operation) in document["operations"]?.object ?? [:] {
            let channel = try #require(operation.at("/channel/$ref")?.string)
            for message in operation["messages"]?.array ?? [] {
                #expect(message["$ref"]?.string?.hasPrefix(channel + "/messages/") == true, "\(name)")
            }
            #expect(["send", "receive"].contains(operation["action"]?.string))
        }
    }

    @Test("servers are the rows of the socket table")
    func servers() throws {
        for row in SocketTable.rows {
            let tcp = try #require(document.at("/servers/\(row.name)"))
            let local = try #require(document.at("/servers/\(row.name)-ipc"))
            #expect(tcp["host"] == .string("{host}:\(row.port)"))
            #expect(local["pathname"] == .string("{run}/\(row.file).sock"))
            for server in [tcp, local] {
                #expect(server["protocol"] == .string("zmtp"))
                #expect(server.at("/x-zmq/binds") == .string(row.binds))
                #expect(server.at("/x-zmq/connects") == .string(row.connects))
            }
            #expect(tcp["security"]?.array.isEmpty == false)
            #expect(local["security"] == nil)
        }
    }

    @Test("every command of the channel has its message with its number")
    func commands() {
        let numbers =
            document.at("/components/messages")?.object.values.compactMap { $0.at("/x-zmq/command")?.int } ?? []
        #expect(Set(numbers) == Set(Command.allCases.map { Int($0.rawValue) }))
    }

    @Test("who writes and who reads is the same here and in the table of docs/wire.md")
    func operations() throws {
        let section = try #require(
            page.components(separatedBy: "\n## 14.").last?.components(separatedBy: "\n## 15.").first
        )
        var seen = 0
        for event in Contract.kinds {
            let kind = event.kind
            let row = try #require(
                section.split(separator: "\n").first { $0.hasPrefix("| `\(kind)` |") },
                "section 14 has no row of \(kind)"
            )
            let cells = row.split(separator: "|", omittingEmptySubsequences: false).map { String($0) }
            #expect(cells[2].hasPrefix(" \(kind.reliability.rawValue), "), "class of \(kind)")
            for (action, cell) in [("send", cells[3]), ("receive", cells[4])] {
                let suffix = "-\(action)-\(key(kind))"
                let programs =
                    document["operations"]?.object.keys.filter { $0.hasSuffix(suffix) }
                    .map { String($0.dropLast(suffix.count)) } ?? []
                #expect(Set(programs) == Set(Self.programs(cell)), "\(action) of \(kind)")
                seen += programs.count
            }
        }
        #expect(seen > 60)
    }

    private static func programs(_ cell: String) -> [String] {
        var text = cell.replacingOccurrences(of: ", each second", with: "").replacingOccurrences(of: "`", with: "")
        while let open = text.firstIndex(of: "("), let close = text[open...].firstIndex(of: ")") {
            text.removeSubrange(open...close)
        }
        let names = [
            "other systems": "others", "people": "others", "any program": "every-program",
            "every program": "every-program", "hexloop up": "hexloop",
        ]
        return text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
            .map { names[$0] ?? $0 }
    }

    @Test(
        "jsonschema and an AsyncAPI 3 model written by others find no fault",
        .enabled(if: Repository.python != nil, Repository.noPython)
    )
    func validates() async throws {
        let python = try #require(Repository.python)
        let script = Repository.root.appendingPathComponent("Tests/ContractTests/validate.py").path
        let (code, output) = try await Repository.run(python, [script])
        #expect(code == 0, "\(output)")
        #expect(output.contains("schemas are sound"))
    }
}
