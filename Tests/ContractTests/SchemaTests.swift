import Events
import Foundation
import Testing

@testable import Bus

/// A schema with what reads the same JSON in this code.
struct Reader: Sendable, CustomTestStringConvertible {
    let schema: String
    let read: @Sendable ([UInt8]) throws -> Void

    var testDescription: String { schema }

    init<T: Decodable & Sendable>(_ schema: String, _ type: T.Type) {
        self.schema = "docs/schemas/\(schema).json"
        read = { _ = try EventCoding.decode(type, from: $0) }
    }

    init(_ kind: any Event.Type) { self = Self.open(kind) }

    private static func open<E: Event>(_ kind: E.Type) -> Reader { Reader(Contract.name(E.kind), kind) }

    static let all: [Reader] =
        Contract.kinds.map { Reader($0) } + [
            Reader("commands/hello.v1", Hello.self), Reader("commands/welcome.v1", Welcome.self),
            Reader("commands/subscribe.v1", SubscribeRequest.self), Reader("commands/fetch.v1", FetchRequest.self),
            Reader("commands/join.v1", JoinRequest.self), Reader("commands/refusal.v1", Refusal.self),
            Reader("commands/artifact-get.v1", ArtifactGet.self), Reader("commands/artifact-put.v1", ArtifactPut.self),
            Reader("commands/artifact-open.v1", ArtifactOpen.self),
            Reader("answers/laps.v1", LapsAnswer.self), Reader("answers/history.v1", HistoryAnswer.self),
            Reader("answers/status.v1", StatusAnswer.self), Reader("answers/inference.v1", InferenceAnswer.self),
            Reader("answers/monitor.v1", MonitorAnswer.self),
            Reader("answers/bus-status.v1", BusStatus.self), Reader("answers/dead-letters.v1", DeadLettersAnswer.self),
            Reader("answers/dead-letter.v1", DeadLetterAnswer.self), Reader("answers/requeued.v1", RequeueAnswer.self),
            Reader("answers/alerts.v1", AlertsAnswer.self), Reader("answers/dead-notices.v1", DeadNoticesAnswer.self),
            Reader("answers/requeued-notices.v1", RequeuedNoticesAnswer.self),
            Reader("answers/alert-test.v1", AlertTestAnswer.self),
            Reader("answers/backup.v1", BackupProgress.self), Reader("answers/removed.v1", BusDone.self),
        ]
}

/// The events that this code can say.
enum Contract {
    /// The catalogue, and the questions, which are not in the log.
    static let kinds: [any Event.Type] = EventCatalogue.kinds + questions
    static let questions: [any Event.Type] = [
        RegistryQuery.self, InferenceRequest.self, BusQuery.self, AlertQuery.self, MonitorQuery.self,
    ]

    /// `decay.detected.v1`
    static func name(_ kind: EventKind) -> String { "\(kind.noun).\(kind.verb).v\(kind.version)" }
}

@Suite("JSON Schemas say what the decoders do")
struct SchemaTests {
    @Test("every event has a schema, and every schema is of something that is read or written here")
    func complete() throws {
        let read = Set(Reader.all.map(\.schema))
        let other: Set = [
            "cloudevent.v1", "commands/head.v1", "local/question.v1", "local/answer.v1", "http/accepted.v1",
            "http/refused.v1", "http/infer.v1", "http/offered.v1", "http/stored.v1",
        ]
        let files = Set(try Repository.files("docs/schemas", ".json"))
        #expect(files == read.union(other.map { "docs/schemas/\($0).json" }))
        let declared = try Repository.files("Sources/Events", ".swift").filter {
            try Repository.text($0).contains("static let kind = EventKind(")
        }
        #expect(declared.count == Contract.kinds.count, "a kind of event is missing in Contract.kinds")
    }

    @Test(
        "every schema is described to the last property, and its examples fit",
        arguments: try Repository.files("docs/schemas", ".json")
    )
    func described(_ path: String) throws {
        let schema = try Schema(path)
        let document = schema.document
        #expect(document["$schema"] == .string("https://json-schema.org/draft/2020-12/schema"))
        let name = path.dropFirst("docs/schemas/".count)
        #expect(document["$id"] == .string("https://hexloop.dev/schemas/\(name)"))
        #expect(document["title"]?.string?.isEmpty == false)
        #expect(document["description"]?.string?.isEmpty == false)
        for value in document.all {
            for (property, part) in value["properties"]?.object ?? [:] where part["type"] != nil || part["$ref"] != nil
            {
                #expect(
                    part["description"]?.string?.isEmpty == false || path.contains("/local/"),
                    "\(path): \(property)"
                )
            }
        }
        let examples = document["examples"]?.array ?? []
        #expect(!examples.isEmpty)
        for example in examples { #expect(schema.faults(example) == []) }
    }

    /// What is put in the place of each value in turn.
    private static let replacements: [JSONValue] = [
        .null, .bool(true), .integer(1), .integer(-1), .number(1.5), .string(""), .string("x"), .array([]),
        .object([:]),
        .array([.null]), .object(["a": .integer(1)]),
    ]

    @Test("schema and decoder take and refuse the same, whatever stands in whichever place", arguments: Reader.all)
    func agree(_ reader: Reader) throws {
        let schema = try Schema(reader.schema)
        for example in schema.document["examples"]?.array ?? [] {
            #expect(decodes(example, reader))
            for place in Self.places(example) {
                for replacement in Self.replacements.map(Optional.some) + [nil] {
                    let changed = Self.replace(example, place[...], replacement)
                    let accepts = schema.accepts(changed)
                    let message: Comment = """
                        \(reader.schema): \(place.joined(separator: ".")) = \
                        \(replacement.map { "\($0)" } ?? "nothing"): the schema says \(accepts)
                        """
                    #expect(decodes(changed, reader) == accepts, message)
                }
            }
            // Fields of a newer version are passed over, at every depth.
            for place in Self.places(example) + [[]] {
                guard case .object(var object)? = Self.value(example, place[...]) else { continue }
                if place == ["inputs"] || place == ["counts"] { continue }
                object["newer"] = .string("x")
                let changed = Self.replace(example, place[...], .object(object))
                #expect(schema.accepts(changed) == decodes(changed, reader))
            }
        }
    }

    private func decodes(_ value: JSONValue, _ reader: Reader) -> Bool {
        guard let bytes = try? EventCoding.encode(value) else { return false }
        return (try? reader.read(bytes)) != nil
    }

    /// Paths of all values within, through the first element of each array.
    private static func places(_ value: JSONValue) -> [[String]] {
        switch value {
        case .object(let object):
            object.sorted { $0.key < $1.key }.flatMap { name, member in
                [[name]] + places(member).map { [name] + $0 }
            }
        case .array(let array): array.first.map { first in [["0"]] + places(first).map { ["0"] + $0 } } ?? []
        default: []
        }
    }

    private static func value(_ value: JSONValue, _ place: ArraySlice<String>) -> JSONValue? {
        guard let first = place.first else { return value }
        switch value {
        case .object(let object): return object[first].flatMap { self.value($0, place.dropFirst()) }
        case .array(let array): return array.first.flatMap { self.value($0, place.dropFirst()) }
        default: return nil
        }
    }

    private static func replace(_ value: JSONValue, _ place: ArraySlice<String>, _ new: JSONValue?) -> JSONValue {
        guard let first = place.first else { return new ?? .null }
        switch value {
        case .object(var object):
            if place.count == 1 {
                object[first] = new
            } else if let member = object[first] {
                object[first] = replace(member, place.dropFirst(), new)
            }
            return .object(object)
        case .array(var array):
            if place.count == 1 {
                if let new { array[0] = new } else { array.removeFirst() }
            } else {
                array[0] = replace(array[0], place.dropFirst(), new)
            }
            return .array(array)
        default: return value
        }
    }

    @Test("the attributes of an event: schema and reader agree")
    func attributes() throws {
        let schema = try Schema("docs/schemas/cloudevent.v1.json")
        let example = try #require(schema.document["examples"]?.array.first)
        for name in example.object.keys.sorted() + ["partitionkey", "Bad-Name"] {
            for replacement in Self.replacements.map(Optional.some) + [nil, .string("1.0")] {
                var attributes = example.object
                attributes[name] = replacement
                let reads = (try? CloudEvent(attributes: attributes, data: [])) != nil
                #expect(reads == schema.accepts(.object(attributes)), "\(name) = \(String(describing: replacement))")
            }
        }
    }

    @Test(
        "golden data of every event fits its schema and is written as ever",
        arguments: Contract.kinds.map { Contract.name($0.kind) }
    )
    func golden(_ name: String) throws {
        let kind = try #require(Contract.kinds.first { Contract.name($0.kind) == name })
        let golden = try Repository.json("docs/golden/events.json").array
            .filter { $0["type"] == .string("\(EventKind.typePrefix)\(name)") }
        #expect(!golden.isEmpty, "docs/golden/events.json has no \(name)")
        let schema = try Schema("docs/schemas/\(name).json")
        for entry in golden {
            let text = try #require(entry["data"]?.string)
            let value = try EventCoding.decode(JSONValue.self, from: Array(text.utf8))
            #expect(schema.faults(value) == [])
            try check(kind, topic: entry["topic"]?.string ?? "", text)
        }
    }

    private func check<E: Event>(_ kind: E.Type, topic: String, _ text: String) throws {
        let event = try EventCoding.decode(kind, from: Array(text.utf8))
        #expect(String(decoding: try EventCoding.encode(event), as: UTF8.self) == text)
        #expect(try E.kind.topic(site: "local", subject: event.subject).text == topic)
    }
}
