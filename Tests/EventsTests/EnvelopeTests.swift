import FoundationEssentials
import Testing

@testable import Events

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

private func failure<T>(_ body: () throws(EventError) -> T) -> EventError? {
    do { _ = try body() } catch { return error }
    return nil
}

@Suite("Times are read and written as RFC 3339")
struct TimestampTests {
    @Test(
        "known instants have known texts",
        arguments: [
            (0, "1970-01-01T00:00:00.000000Z"), (-1, "1969-12-31T23:59:59.999999Z"),
            (1_587_407_400_250_000, "2020-04-20T18:30:00.250000Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
            (-2_208_988_800_000_000, "1900-01-01T00:00:00.000000Z"),
            (-2_203_891_200_000_000, "1900-03-01T00:00:00.000000Z"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
            (-62_167_219_200_000_000, "0000-01-01T00:00:00.000000Z"),
            (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
        ] as [(Int64, String)]
    )
    func known(_ microseconds: Int64, _ text: String) {
        #expect(Timestamp(microseconds: microseconds).rfc3339 == text)
        #expect(Timestamp(rfc3339: text)?.microseconds == microseconds)
    }

    @Test("every day of 800 years comes back as it was")
    func days() {
        var stamp = Int64(-500 * 365) * 86_400_000_000 + 1
        for _ in 0..<3000 {
            #expect(Timestamp(rfc3339: Timestamp(microseconds: stamp).rfc3339)?.microseconds == stamp)
            stamp += 97 * 86_400_000_000 + 12_345_678_901
        }
    }

    @Test(
        "offsets, fractions, a space and a date alone are understood",
        arguments: [
            ("2020-04-20T20:30:00+02:00", 1_587_407_400_000_000), ("2020-04-20 18:30:00.5z", 1_587_407_400_500_000),
            ("2020-04-20T13:00:00-05:30", 1_587_407_400_000_000), ("2020-04-20", 1_587_340_800_000_000),
            ("2020-04-20t18:30:00.1234567899Z", 1_587_407_400_123_456), ("2016-12-31T23:59:60Z", 1_483_228_800_000_000),
        ] as [(String, Int64)]
    )
    func variants(_ text: String, _ microseconds: Int64) {
        #expect(Timestamp(rfc3339: text)?.microseconds == microseconds)
    }

    @Test(
        "everything else is refused",
        arguments: [
            "", "2020", "2020-4-20", "2020-04-20T18:30:00", "2020-04-20T18:30Z", "2020-13-01T00:00:00Z", "2020-00-01",
            "2021-02-29", "2021-02-31T00:00:00Z", "1900-02-29", "2020-04-31", "2020-04-20T24:00:00Z",
            "2020-04-20T18:60:00Z", "2020-04-20T18:30:00.Z", "2020-04-20T18:30:00+2:00", "2020-04-20T18:30:00Zjunk",
            "20200420T183000Z", "２020-04-20", "-020-04-20",
        ]
    )
    func refused(_ text: String) { #expect(Timestamp(rfc3339: text) == nil, "\(text)") }

    @Test("seconds out of range and not-a-number are clamped, and order is that of time")
    func clamped() {
        #expect(Timestamp(seconds: .infinity).microseconds == .max)
        #expect(Timestamp(seconds: -.infinity).microseconds == .min)
        #expect(Timestamp(seconds: .nan).microseconds == .max)
        #expect(Timestamp(seconds: -0.0000005).microseconds == -1)
        #expect(Timestamp(microseconds: -1) < Timestamp(microseconds: 0))
        #expect(Timestamp(microseconds: 5) - Timestamp(microseconds: 7) == .microseconds(-2))
        _ = Timestamp(microseconds: .min).rfc3339
        _ = Timestamp(microseconds: .max) - Timestamp(microseconds: .min)
    }

    @Test("a wrong time in JSON is named with its field")
    func json() {
        struct Holder: Codable { var at: Timestamp }
        let error = failure { () throws(EventError) in
            try EventCoding.decode(Holder.self, from: bytes(#"{"at":"soon"}"#))
        }
        #expect(error?.message.contains("'at'") == true)
        #expect(error?.message.contains("'soon'") == true)
    }
}

@Suite("Topics are segments that end with a slash")
struct TopicTests {
    @Test(
        "good topics name their class",
        arguments: [
            ("e/plant-a/decay/detected/v1/oil-price/", Topic.Reliability.event), ("t/a/", .telemetry), ("q/a/", .work),
            ("c/head/", .control), ("e/a.b_c-1/", .event),
        ]
    )
    func good(_ text: String, _ reliability: Topic.Reliability) throws {
        #expect(try Topic(text).reliability == reliability)
        #expect(try Topic(text).text == text)
    }

    @Test(
        "bad topics say which rule they break",
        arguments: [
            ("e/a", TopicError.noTrailingSlash("e/a")), ("", .noTrailingSlash("")), ("e/", .unknownClass("e/")),
            ("/", .unknownClass("/")), ("x/a/", .unknownClass("x/a/")), ("ee/a/", .unknownClass("ee/a/")),
            ("e//a/", .badSegment("e//a/", "")), ("e/A/", .badSegment("e/A/", "A")),
            ("e/a b/", .badSegment("e/a b/", "a b")),
            ("e/ä/", .badSegment("e/ä/", "ä")), ("e/*/", .badSegment("e/*/", "*")),
        ]
    )
    func bad(_ text: String, _ expected: TopicError) {
        #expect(throws: expected) { try Topic(text) }
    }

    @Test("200 bytes are the most")
    func length() throws {
        let longest = "e/" + String(repeating: "a", count: Topic.bytesMax - 3) + "/"
        #expect(try Topic(longest).text.utf8.count == Topic.bytesMax)
        #expect(throws: TopicError.self) { try Topic(longest + "a/") }
    }

    @Test(
        "a filter matches whole segments",
        arguments: [
            ("e/*/x/v1/", "e/a/x/v1/s/", true), ("e/*/x/v1/", "e/a/x/v10/s/", false),
            ("e/a/x/v1/", "e/a/x/v10/", false),
            ("e/a/", "e/ab/", false), ("e/*/", "e/a/", true), ("e/*/", "e/", false), ("*/a/", "t/a/b/", true),
            ("", "e/a/", true), ("", "", true), ("e/a/b/", "e/a/", false), ("e/*/*/c/", "e/a/b/d/", false),
            ("e/*/*/c/", "e/a/b/c/", true), ("e/*/", "e/no-slash", false), ("e/a/", "", false),
        ]
    )
    func matching(_ filter: String, _ topic: String, _ matches: Bool) throws {
        #expect(try TopicFilter(filter).matches(topic) == matches)
    }

    @Test("bad filters are refused", arguments: ["e/a", "e//a/", "/", "e/a*/", "e/A/", "e/**/", "*"])
    func badFilters(_ text: String) { #expect(throws: TopicError.self) { try TopicFilter(text) } }

    @Test("a filter travels as its text")
    func filterJSON() throws {
        #expect(try EventCoding.encode([try TopicFilter("e/*/")]) == bytes(#"["e/*/"]"#))
        #expect(try EventCoding.decode([TopicFilter].self, from: bytes(#"["",  "t/"]"#)).map(\.text) == ["", "t/"])
        #expect(throws: EventError.self) { try EventCoding.decode([TopicFilter].self, from: bytes(#"["e"]"#)) }
    }
}

@Suite("CloudEvents are read in each mode, and what is wrong is named")
struct CloudEventTests {
    private let header = #"{"id":"1","source":"//s","specversion":"1.0","type":"t"}"#

    @Test("binary mode comes back as it was")
    func binary() throws {
        var event = CloudEvent(
            id: "1",
            source: "//site/a/main",
            type: "dev.hexloop.x.y.v1",
            subject: "s",
            time: Timestamp(microseconds: 1_587_407_400_000_000),
            dataContentType: "application/octet-stream",
            dataSchema: "urn:x",
            extensions: ["runid": "r/1"],
            data: [0, 255]
        )
        #expect(
            String(decoding: try event.header(), as: UTF8.self)
                == #"{"datacontenttype":"application/octet-stream","dataschema":"urn:x","id":"1","runid":"r/1","#
                + #""source":"//site/a/main","specversion":"1.0","subject":"s","time":"2020-04-20T18:30:00.000000Z","#
                + #""type":"dev.hexloop.x.y.v1"}"#
        )
        #expect(try CloudEvent(header: event.header(), data: event.data) == event)
        #expect(try CloudEvent(structured: event.structured()) == event)
        event.runID = nil
        #expect(event.extensions.isEmpty)
    }

    @Test(
        "an attribute that is missing or wrong is named",
        arguments: [
            (#"{"source":"//s","specversion":"1.0","type":"t"}"#, "'id'"),
            (#"{"id":"1","specversion":"1.0","type":"t"}"#, "'source'"),
            (#"{"id":"1","source":"//s","specversion":"1.0"}"#, "'type'"),
            (#"{"id":"1","source":"//s","type":"t"}"#, "'specversion'"),
            (#"{"id":"1","source":"//s","specversion":"0.3","type":"t"}"#, "'specversion' is '0.3'"),
            (#"{"id":1,"source":"//s","specversion":"1.0","type":"t"}"#, "'id'"),
            (#"{"id":"","source":"//s","specversion":"1.0","type":"t"}"#, "'id'"),
            (#"{"id":null,"source":"//s","specversion":"1.0","type":"t"}"#, "'id'"),
            (#"{"id":"1","source":"//s","specversion":"1.0","type":"t","time":"noon"}"#, "'time' is 'noon'"),
            (#"{"id":"1","source":"//s","specversion":"1.0","type":"t","subject":3}"#, "'subject'"),
            (#"{"id":"1","source":"//s","specversion":"1.0","type":"t","runId":"x"}"#, "'runId'"),
            (#"{"id":"1","source":"//s","specversion":"1.0","type":"t","x":[1]}"#, "'x'"),
            (#"{"id":"1","source":"//s","specversion":"1.0","type":"t","x":1.5}"#, "'x'"),
        ]
    )
    func badAttributes(_ text: String, _ name: String) {
        for error in [
            failure { () throws(EventError) in try CloudEvent(header: bytes(text), data: []) },
            failure { () throws(EventError) in try CloudEvent(structured: bytes(text)) },
        ] {
            #expect(error?.code == .badAttribute)
            #expect(error?.message.contains(name) == true, "\(error?.message ?? "no error")")
        }
    }

    @Test("what is no JSON object is refused", arguments: ["", "[]", "1", "{", "{\"id\":}", "null", "\u{FEFF}{}"])
    func badJSON(_ text: String) {
        #expect(failure { () throws(EventError) in try CloudEvent(structured: bytes(text)) } != nil)
        #expect(failure { () throws(EventError) in try CloudEvent(header: bytes(text), data: []) } != nil)
    }

    @Test(
        "data comes as JSON, as text, as base64 or not at all",
        arguments: [
            (#""data":{"v":[1,2.5,null]}"#, #"{"v":[1,2.5,null]}"#, "application/json"),
            (#""data":"x""#, "\"x\"", "application/json"),
            (#""datacontenttype":"text/plain","data":"x""#, "x", "text/plain"),
            (
                #""datacontenttype":"application/json; charset=utf-8","data":"x""#, "\"x\"",
                "application/json; charset=utf-8"
            ),
            (#""datacontenttype":"text/csv","data_base64":"YSxi""#, "a,b", "text/csv"), (#""data":null"#, "", nil),
            (#""data":0"#, "0", "application/json"),
        ] as [(String, String, String?)]
    )
    func data(_ member: String, _ expected: String, _ type: String?) throws {
        let event = try CloudEvent(structured: bytes(header.dropLast() + "," + member + "}"))
        #expect(String(decoding: event.data, as: UTF8.self) == expected)
        #expect(event.dataContentType == type)
        #expect(try CloudEvent(structured: event.structured()) == event)
    }

    @Test(
        "data that is wrong is refused",
        arguments: [
            #""data":1,"data_base64":"AA==""#, #""data_base64":"!""#, #""data_base64":7"#,
        ]
    )
    func badData(_ member: String) {
        let error = failure { () throws(EventError) in
            try CloudEvent(structured: bytes(header.dropLast() + "," + member + "}"))
        }
        #expect(error?.code == .badData)
        #expect(error?.message.contains("data_base64") == true)
    }

    @Test("one event of a batch is read by itself")
    func batch() throws {
        let batch = try EventCoding.decode([[String: JSONValue]].self, from: bytes("[\(header),{\"id\":\"2\"}]"))
        #expect(try CloudEvent(structured: batch[0]).id == "1")
        #expect(
            failure { () throws(EventError) in try CloudEvent(structured: batch[1]) }?.message.contains("'specversion'")
                == true
        )
    }

    @Test("extensions of JSON types become strings")
    func extensions() throws {
        let event = try CloudEvent(
            header: bytes(header.dropLast() + #","a":"x","b":7,"c":true,"d":null}"#),
            data: []
        )
        #expect(event.extensions == ["a": "x", "b": "7", "c": "true"])
    }

    @Test("data of another kind, and a missing field of the right kind, are told apart")
    func decoding() throws {
        let label = LabelRecorded(stream: "s", key: "k", value: 1)
        var event = try CloudEvent(label, id: "1", source: "//s", time: Timestamp(microseconds: 0), runID: "r")
        #expect(try event.decode(LabelRecorded.self).value == 1)
        #expect(event.runID == "r")
        #expect(failure { () throws(EventError) in try event.decode(AlertRaised.self) }?.code == .wrongType)
        event.data = bytes(#"{"stream":"s","key":"k"}"#)
        #expect(
            failure { () throws(EventError) in try event.decode(LabelRecorded.self) }?.message.contains("'value'")
                == true
        )
    }

    @Test("NaN has no JSON, and the writer says so")
    func notFinite() {
        let error = failure { () throws(EventError) in
            try EventCoding.encode(LabelRecorded(stream: "s", key: "k", value: .nan))
        }
        #expect(error?.code == .badData)
    }
}

@Suite("A JSON value keeps what it was")
struct JSONValueTests {
    @Test(
        "values are written as they were read",
        arguments: [
            "null", "true", "false", "0", "-1", "9223372036854775807", "18446744073709551615", "-9223372036854775808",
            "0.1", "-2.5e-10", "1e+300",
            "\"\"", "\"a\\\"b\\\\c/\\n\\u0001ä€😀\"", "[]", "{}", "[1,[2,[3,null]],{\"a\":{}}]",
            "{\"a\":1,\"b\":[true]}",
        ]
    )
    func roundTrip(_ text: String) throws {
        let value = try EventCoding.decode(JSONValue.self, from: bytes(text))
        let again = try EventCoding.decode(JSONValue.self, from: try EventCoding.encode(value))
        #expect(value == again)
        if !text.contains("e") || text == "true" || text == "false" {
            #expect(String(decoding: try EventCoding.encode(value), as: UTF8.self) == text)
        }
    }

    @Test("kinds are kept apart")
    func kinds() throws {
        let value = try EventCoding.decode(JSONValue.self, from: bytes(#"[true,1,1.5,"1",null]"#))
        #expect(value == .array([.bool(true), .integer(1), .number(1.5), .string("1"), .null]))
    }

    @Test("deep nesting and broken text are refused, not trapped")
    func hostile() {
        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: EventError.self) { try EventCoding.decode(JSONValue.self, from: bytes(deep)) }
        for text in ["", "nul", "01", "1e999", "\"\u{1}\"", "{\"a\"}", "[1,]"] {
            _ = try? EventCoding.decode(JSONValue.self, from: bytes(text))
        }
        #expect(throws: EventError.self) { try EventCoding.decode(JSONValue.self, from: [0xFF, 0xFE, 0x00]) }
    }
}
