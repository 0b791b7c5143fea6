import Events
import Testing

@testable import GatewayApp

@Suite("Events in HTTP requests")
struct EventBindingTests {
    typealias Headers = [(name: String, value: String)]

    private func read(_ headers: Headers, _ body: String) throws -> [Result<CloudEvent, Refusal>] {
        try EventBinding.events(try EventBinding.mode(headers), headers, body: Array(body.utf8))
    }

    private let structured: Headers = [("content-type", "application/cloudevents+json; charset=utf-8")]
    private let batch: Headers = [("content-type", "Application/CloudEvents-Batch+JSON")]
    private let binary: Headers = [
        ("content-type", "application/json"), ("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/plc"),
        ("ce-type", "com.x"),
    ]

    @Test("are read in structured mode")
    func structuredMode() throws {
        let events = try read(
            structured,
            #"{"specversion":"1.0","id":"1","source":"/plc","type":"com.x","runid":"r","data":{"b":1,"a":2}}"#
        )
        let event = try #require(try events.first?.get())
        #expect(event.id == "1")
        #expect(event.runID == "r")
        #expect(String(decoding: event.data, as: UTF8.self) == #"{"a":2,"b":1}"#)
    }

    @Test("are read in binary mode, with percent-decoded attributes and the body as it is")
    func binaryMode() throws {
        let headers: Headers = binary + [("ce-subject", "%C3%A9%20x"), ("ce-runid", #""a\"b""#)]
        let event = try #require(try read(headers, "{ }").first?.get())
        #expect(event.subject == "é x")
        #expect(event.runID == #"a"b"#)
        #expect(event.dataContentType == "application/json")
        #expect(event.data == Array("{ }".utf8))
    }

    @Test("are read in batches, each on its own")
    func batchMode() throws {
        let good = #"{"specversion":"1.0","id":"1","source":"/plc","type":"com.x"}"#
        let events = try read(batch, "[\(good),7,\(good)]")
        #expect(events.count == 3)
        #expect(throws: Never.self) { try events[0].get() }
        let refusal = #expect(throws: Refusal.self) { try events[1].get() }
        #expect(refusal?.status == 400)
        #expect(try read(batch, "[]").isEmpty)
    }

    @Test("come up to a limit per batch")
    func batchLimit() {
        let good = #"{"specversion":"1.0","id":"1","source":"/plc","type":"com.x"}"#
        let many = Array(repeating: good, count: EventBinding.batchEventsMax + 1).joined(separator: ",")
        let refusal = #expect(throws: Refusal.self) { try read(batch, "[\(many)]") }
        #expect(refusal?.status == 413)
        #expect(refusal?.message.contains("\(EventBinding.batchEventsMax) are allowed") == true)
    }

    @Test(
        "are not taken in other media types",
        arguments: ["application/json", "text/plain", "application/cloudevents+xml", "application/cloudevents+avro"]
    )
    func mediaTypes(contentType: String) {
        let refusal = #expect(throws: Refusal.self) { try read([("content-type", contentType)], "{}") }
        #expect(refusal?.status == 415)
        #expect(refusal?.event == nil)
        let withHeaders: Headers = [("content-type", "application/cloudevents+xml"), ("ce-id", "1")]
        #expect(throws: Refusal.self) { try EventBinding.mode(withHeaders) }
    }

    @Test("name what is wrong with a header")
    func headers() throws {
        func message(_ headers: Headers) throws -> String {
            let result = try #require(try read(headers, "1").first)
            guard case .failure(let refusal) = result else { return "accepted" }
            #expect(refusal.status == 400)
            return refusal.message
        }
        #expect(try message(binary.filter { $0.name != "ce-source" }).contains("attribute 'source' is missing"))
        #expect(try message(binary + [("ce-id", "2")]).contains("attribute 'id' is given twice"))
        #expect(try message(binary + [("ce-subject", "%zz")]).contains("attribute 'subject' is not percent-encoded"))
        #expect(try message(binary + [("ce-subject", "%FF")]).contains("attribute 'subject' is not percent-encoded"))
        #expect(try message(binary + [("ce-subject", "%4")]).contains("attribute 'subject' is not percent-encoded"))
        #expect(try message(binary + [("ce-datacontenttype", "a/b")]).contains("content-type header"))
        #expect(try message(binary + [("ce-bad-name", "x")]).contains("'bad-name' may only hold a-z and 0-9"))
    }

    @Test("are refused when the body is no JSON, as an event that nobody could read")
    func noJSON() {
        let refusal = #expect(throws: Refusal.self) { try read(structured, "{") }
        #expect(refusal?.status == 400)
        #expect(refusal?.event == Refusal.Event(code: .badData, type: nil, source: nil, id: nil))
    }

    @Test("keep what could be read of them when they are refused")
    func attributes() throws {
        let result = try #require(try read(structured, #"{"id":"7","source":"/plc","type":"com.x"}"#).first)
        let refusal = #expect(throws: Refusal.self) { try result.get() }
        #expect(refusal?.event == Refusal.Event(code: .badAttribute, type: "com.x", source: "/plc", id: "7"))
    }
}
