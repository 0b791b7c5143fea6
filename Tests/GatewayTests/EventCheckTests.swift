import Events
import Pipelines
import Testing

@testable import GatewayApp

@Suite("The check of events from other systems")
struct EventCheckTests {
    private func check(registered: Bool = true) throws -> EventCheck {
        let pipelines = [
            """
            pipeline: oil
            task: {kind: regression, inputs: {price: {shape: [3]}}, target: next}
            data: {observations: wti, labels: wti-next, schema: {price: {min: -100, max: 500}}}
            """,
            """
            pipeline: words
            task: {kind: classification, inputs: {sound: {shape: [2]}}, target: word, classes: 5}
            data: {observations: mic, labels: mic-said}
            """,
        ]
        return EventCheck(
            site: "plant-a",
            pipelines: registered ? try pipelines.map { try Pipeline(yaml: $0) } : [],
            now: Timestamp(seconds: 5)
        )
    }

    private func event(
        _ type: String,
        _ data: String,
        subject: String? = nil,
        contentType: String? = "application/json"
    ) -> CloudEvent {
        CloudEvent(
            id: "1",
            source: "/plc",
            type: type,
            subject: subject,
            dataContentType: contentType,
            data: Array(data.utf8)
        )
    }

    private func observation(_ inputs: String, stream: String = "wti", subject: String? = nil) -> CloudEvent {
        let data = #"{"stream":"\#(stream)","key":"k","inputs":\#(inputs)}"#
        return event(ObservationRecorded.kind.type, data, subject: subject)
    }

    private func refusal(_ event: CloudEvent) throws -> Refusal {
        let check = try check()
        return try #require(#expect(throws: Refusal.self) { try check.admit(event) })
    }

    @Test("gives an observation its topic, subject and time")
    func observation() throws {
        let admitted = try check().admit(observation(#"{"price":[1,2,3]}"#))
        #expect(admitted.topic.text == "e/plant-a/observation/recorded/v1/wti/")
        #expect(admitted.event.subject == "wti")
        #expect(admitted.event.time == Timestamp(seconds: 5))
    }

    @Test("leaves the time of the source as it is")
    func time() throws {
        var event = observation(#"{"price":[1,2,3]}"#)
        event.time = Timestamp(seconds: 1)
        #expect(try check().admit(event).event.time == Timestamp(seconds: 1))
    }

    @Test(
        "refuses features that no model could use, by name, value and limit",
        arguments: [
            (#"{"price":[1,2]}"#, "bad-shape", "price: 2 elements are refused; accepted: 3"),
            (#"{"price":[1,2,900]}"#, "out-of-schema", "price[2]: 900.0 is refused; accepted: at most 500.0"),
            (#"{"price":[1,null,3]}"#, "not-finite", "price[1]: nan is refused"),
            (#"{"price":[1,2,1e300]}"#, "not-finite", "price[2]"),
            (#"{"prise":[1,2,3]}"#, "unknown-feature", "did you mean \"price\"?"),
            ("{}", "missing-feature", "price: missing"),
        ]
    )
    func features(inputs: String, code: String, message: String) throws {
        let refusal = try refusal(observation(inputs))
        #expect(refusal.status == 422)
        #expect(refusal.code == code)
        #expect(refusal.message.contains(message), "\(refusal.message)")
        #expect(refusal.event?.source == "/plc")
    }

    @Test("refuses streams that no pipeline uses and names those that one does")
    func streams() throws {
        let refusal = try refusal(observation("{}", stream: "wtf"))
        #expect(refusal.status == 422)
        #expect(refusal.code == "unknown-pipeline")
        #expect(refusal.message.contains("'wtf'; known streams are mic, wti"))
        let label = try self.refusal(event(LabelRecorded.kind.type, #"{"stream":"wti","key":"k","value":1}"#))
        #expect(label.message.contains("data.labels names stream 'wti'; known streams are mic-said, wti-next"))
        let check = try check(registered: false)
        let early = #expect(throws: Refusal.self) { try check.admit(observation("{}")) }
        #expect(early?.message.contains("no pipeline is registered") == true)
    }

    @Test("takes labels and examples, and refuses classes that are none", arguments: [-1.0, 0.5, 5])
    func classes(value: Double) throws {
        let label = event(LabelRecorded.kind.type, #"{"stream":"mic-said","key":"k","value":4}"#)
        #expect(try check().admit(label).topic.text == "e/plant-a/label/recorded/v1/mic-said/")
        let bad = event(LabelRecorded.kind.type, #"{"stream":"mic-said","key":"k","value":\#(value)}"#)
        #expect(try refusal(bad).message.contains("whole numbers from 0 to 4"))
        let example = event(
            ExampleRecorded.kind.type,
            #"{"stream":"mic","key":"k","inputs":{"sound":[1,2]},"value":\#(value)}"#
        )
        #expect(try refusal(example).status == 422)
    }

    @Test("lets only the types in that other systems may send")
    func types() throws {
        for kind in EventCatalogue.kinds where !EventCheck.admittedTypes.contains(kind.kind.type) {
            #expect(try refusal(event(kind.kind.type, "{}")).status == 403, "\(kind.kind)")
        }
        #expect(try refusal(event("dev.hexloop.foo.bar.v1", "{}")).message.contains("no event of Hexloop"))
        let request = event(TrainingRequested.kind.type, #"{"pipeline":"any","reason":"first"}"#)
        #expect(try check().admit(request).topic.text == "e/plant-a/training/requested/v1/any/")
        let pushed = event(PipelinePushed.kind.type, #"{"pipeline":"any","file":"x"}"#)
        #expect(try check().admit(pushed).topic.text == "e/plant-a/pipeline/pushed/v1/any/")
    }

    @Test("puts foreign events under external, with a topic that the bus takes")
    func foreign() throws {
        let admitted = try check().admit(event("com.Acme.Valve Opened", "x", subject: "Press 7/ä", contentType: "a/b"))
        #expect(admitted.topic.text == "e/plant-a/external/com.acme.valve-opened/v1/press-7--/")
        #expect(admitted.event.subject == "Press 7/ä")
        #expect(try check().admit(event("com.x", "")).topic.text == "e/plant-a/external/com.x/v1/none/")
        #expect(try refusal(event(String(repeating: "x", count: 300), "")).code == "bad-topic")
    }

    @Test("refuses data that does not fit its type, and names the field")
    func data() throws {
        let type = ObservationRecorded.kind.type
        #expect(try refusal(event(type, #"{"stream":"wti","inputs":{}}"#)).message.contains("'key' is missing"))
        #expect(try refusal(event(type, "NaN")).message.contains("not valid JSON"))
        #expect(try refusal(event(type, "")).message.contains("'data' is missing"))
        #expect(try refusal(event(type, #"{"stream":"wti","key":"","inputs":{}}"#)).message.contains("'key' is empty"))
        #expect(try refusal(event(type, "1,2", contentType: "text/csv")).status == 415)
        #expect(try refusal(observation(#"{"price":[1,2,3]}"#, subject: "x")).code == "bad-attribute")
        let pushed = event(PipelinePushed.kind.type, #"{"pipeline":"Oil X","file":""}"#)
        #expect(try refusal(pushed).code == "bad-topic")
    }

    @Test("refuses what the bus would not take inline, and names the limit")
    func size() throws {
        let large = event("com.x", String(repeating: "x", count: CloudEvent.dataBytesMax + 1))
        let refusal = try refusal(large)
        #expect(refusal.status == 413)
        #expect(refusal.message.contains("\(CloudEvent.dataBytesMax) are allowed"))
        var wide = event("com.x", "")
        wide.extensions["x"] = String(repeating: "x", count: CloudEvent.headerBytesMax)
        #expect(try self.refusal(wide).status == 413)
    }
}

@Suite("The book of beats")
struct BeatBookTests {
    private func beat(_ instance: String, pid: Int32 = 1, metrics: JSONValue = .null) -> ServiceBeat {
        ServiceBeat(
            service: "inference-node",
            instance: instance,
            processID: pid,
            startedAt: Timestamp(seconds: 0),
            ready: true,
            reasons: [],
            residentBytes: 1,
            metrics: metrics
        )
    }

    @Test("knows the last beat of each program, and who fell silent")
    func silence() {
        let start = ContinuousClock.now
        var book = BeatBook()
        book.hear(beat("node-1"), at: start)
        book.hear(beat("node-2"), at: start)
        book.hear(beat("node-1", pid: 2), at: start + .seconds(4))
        let programs = book.programs(at: start + .seconds(6))
        #expect(programs.map(\.beat.instance) == ["node-1", "node-2"])
        #expect(programs.map(\.beat.processID) == [2, 1])
        #expect(programs.map(\.isUp) == [true, false])
        #expect(book.programs(at: start + .seconds(601)).map(\.beat.instance) == ["node-1"])
    }

    @Test("reads the metrics, and counts a beat whose metrics it cannot read")
    func metrics() {
        let start = ContinuousClock.now
        var book = BeatBook()
        let sample: JSONValue = .object([
            "name": .string("x"), "labels": .object([:]), "kind": .string("gauge"), "value": .integer(1),
        ])
        book.hear(beat("node-1", metrics: .array([sample])), at: start)
        book.hear(beat("node-2", metrics: .string("nonsense")), at: start)
        #expect(book.programs(at: start).map(\.samples.count) == [1, 0])
    }

    @Test("remembers a bounded number of programs")
    func bounded() {
        let start = ContinuousClock.now
        var book = BeatBook()
        for number in 0...BeatBook.programsMax { book.hear(beat("node-\(number)"), at: start) }
        #expect(book.programs(at: start).count == BeatBook.programsMax)
    }
}
