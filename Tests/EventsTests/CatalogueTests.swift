import FoundationEssentials
import Testing

@testable import Events

private let at = Timestamp(microseconds: 1_587_407_400_250_000)
private let gate = GateResult(gate: "recent", passed: true, value: 0.5, limit: 0.75, message: "better")
private let figures = DecayFigures(
    cause: "error",
    metric: "mae",
    value: 2.5,
    baseline: 1,
    near: 1.5,
    breach: 2,
    window: 20,
    key: "2020-04-20",
    firstSuspectKey: "2020-04-17",
    firstSuspectAt: at,
    message: "over"
)
private let deployment = RolloutStepped.Deployment(
    alias: "champion",
    candidate: "shadow-1",
    version: 3,
    digest: "d1",
    envelope: "{}"
)

/// One event of each kind, with every field set.
private let examples: [any Event] = [
    ObservationRecorded(stream: "wti", key: "2020-04-20", inputs: ["close": [18.27, .nan], "volume": [-36]]),
    LabelRecorded(stream: "wti-next", key: "2020-04-20", value: -36.98),
    ExampleRecorded(stream: "wti", key: "2019-12-31", inputs: ["close": [61.06]], value: 61.18),
    PredictionsMade(
        pipeline: "oil-price",
        node: "node-1",
        predictions: [
            .init(
                key: "k",
                at: at,
                digest: "d1",
                outputs: [1.5, -2],
                shadows: [.init(name: "shadow-1", digest: "d2", outputs: [0.25])]
            )
        ]
    ),
    DecaySuspected(pipeline: "oil-price", digest: "d1", figures: figures),
    DecayDetected(pipeline: "oil-price", digest: "d1", figures: figures),
    DecayCleared(pipeline: "oil-price", digest: "d1", figures: figures),
    TrainingRequested(pipeline: "oil-price", reason: "first", untilKey: "2019-12-31"),
    TrainingStarted(
        pipeline: "oil-price",
        pipelineVersion: "v",
        cause: "decay.detected",
        candidates: ["champion", "shadow-1"],
        rows: 500
    ),
    TrainingProgressed(pipeline: "oil-price", candidate: "champion", epoch: 3, epochs: 40, validationLoss: 0.125),
    TrainingCompleted(
        pipeline: "oil-price",
        pipelineVersion: "v",
        candidates: [
            .init(
                name: "champion",
                model: "m",
                calibration: "c",
                rows: 500,
                firstKey: "a",
                lastKey: "b",
                seed: UInt64.max,
                epochs: 40,
                trainingLoss: 0.25,
                validationLoss: 0.5,
                seconds: 1.5
            )
        ],
        recent: "r",
        parity: "p",
        frozen: "f"
    ),
    TrainingFailed(pipeline: "oil-price", code: .tooFewRows, message: "12 rows"),
    TrainingDeclined(pipeline: "oil-price", code: .cooldown, message: "wait"),
    ConversionCompleted(
        pipeline: "oil-price",
        pipelineVersion: "v",
        candidates: [
            .init(
                name: "champion",
                floatModel: "m",
                model: "x",
                envelope: "{}",
                meanAbsoluteDifference: 0.5,
                maxAbsoluteDifference: 1,
                signalToNoiseDB: 40,
                containerBytes: 2048
            )
        ],
        recent: "r",
        parity: "p",
        frozen: "f"
    ),
    ConversionFailed(pipeline: "oil-price", candidate: "champion", code: .badContainer, message: "no"),
    PipelinePushed(pipeline: "oil-price", file: "name: oil-price\n"),
    PipelineRegistered(pipeline: "oil-price", version: "v", definition: "{}"),
    PipelineRejected(pipeline: "oil-price", code: .badPipeline, message: "no"),
    ModelRegistered(pipeline: "oil-price", version: 3, digest: "d1", candidate: "champion", gates: [gate]),
    ModelRejected(
        pipeline: "oil-price",
        digest: "d1",
        candidate: "champion",
        code: .failed,
        message: "no",
        gates: [gate]
    ),
    ModelPromoted(pipeline: "oil-price", version: 3, digest: "d1", alias: "champion", previous: "d0"),
    RolloutStepped(
        pipeline: "oil-price",
        pipelineVersion: "v",
        champion: deployment,
        shadows: [deployment],
        baseline: 1.5,
        ranges: [.init(feature: "close", count: 500, min: 10.5, max: 60.25)]
    ),
    RolloutCompleted(pipeline: "oil-price", digest: "d1", nodes: ["node-1", "node-2"]),
    ModelLoaded(pipeline: "oil-price", node: "node-1", digest: "d1", role: "champion", at: at, loadMs: 12.5),
    ModelRefused(
        pipeline: "oil-price",
        node: "node-1",
        digest: "d1",
        role: "champion",
        code: .badSignature,
        message: "no"
    ),
    AlertRaised(
        alert: "a",
        rule: "decay",
        severity: .critical,
        about: "oil-price",
        title: "t",
        detail: "d",
        eventID: "1",
        eventType: "dev.hexloop.decay.detected.v1"
    ),
    AlertResolved(alert: "a", rule: "decay", about: "oil-price", repeats: 2, message: "m"),
    EventRefused(
        service: "trainer",
        sequence: 7,
        type: "t",
        source: "//s",
        id: "1",
        code: .badData,
        message: "field 'x'"
    ),
    ServiceBeat(
        service: "trainer",
        instance: "main",
        processID: 42,
        startedAt: at,
        ready: false,
        reasons: ["bus"],
        residentBytes: 1024,
        metrics: .array([.object(["name": .string("x"), "value": .integer(1)])])
    ),
]

/// Kind, topic and data as they have been since the kind's version 1. A change here is a new version of the kind.
private let golden: [(topic: String, data: String)] = [
    (
        "e/local/observation/recorded/v1/wti/",
        #"{"inputs":{"close":[18.27,null],"volume":[-36]},"key":"2020-04-20","stream":"wti"}"#
    ),
    (
        "e/local/label/recorded/v1/wti-next/",
        #"{"key":"2020-04-20","stream":"wti-next","value":-36.98}"#
    ),
    (
        "e/local/example/recorded/v1/wti/",
        #"{"inputs":{"close":[61.06]},"key":"2019-12-31","stream":"wti","value":61.18}"#
    ),
    (
        "e/local/prediction/made/v1/oil-price/",
        #"{"node":"node-1","pipeline":"oil-price","predictions":[{"at":"2020-04-20T18:30:00.250000Z","#
            + #""digest":"d1","key":"k","outputs":[1.5,-2],"shadows":[{"digest":"d2","name":"shadow-1","#
            + #""outputs":[0.25]}]}]}"#
    ),
    (
        "e/local/decay/suspected/v1/oil-price/",
        #"{"digest":"d1","figures":{"baseline":1,"breach":2,"cause":"error","#
            + #""firstSuspectAt":"2020-04-20T18:30:00.250000Z","firstSuspectKey":"2020-04-17","key":"2020-04-20","#
            + #""message":"over","metric":"mae","near":1.5,"value":2.5,"window":20},"pipeline":"oil-price"}"#
    ),
    (
        "e/local/decay/detected/v1/oil-price/",
        #"{"digest":"d1","figures":{"baseline":1,"breach":2,"cause":"error","#
            + #""firstSuspectAt":"2020-04-20T18:30:00.250000Z","firstSuspectKey":"2020-04-17","key":"2020-04-20","#
            + #""message":"over","metric":"mae","near":1.5,"value":2.5,"window":20},"pipeline":"oil-price"}"#
    ),
    (
        "e/local/decay/cleared/v1/oil-price/",
        #"{"digest":"d1","figures":{"baseline":1,"breach":2,"cause":"error","#
            + #""firstSuspectAt":"2020-04-20T18:30:00.250000Z","firstSuspectKey":"2020-04-17","key":"2020-04-20","#
            + #""message":"over","metric":"mae","near":1.5,"value":2.5,"window":20},"pipeline":"oil-price"}"#
    ),
    (
        "e/local/training/requested/v1/oil-price/",
        #"{"pipeline":"oil-price","reason":"first","untilKey":"2019-12-31"}"#
    ),
    (
        "e/local/training/started/v1/oil-price/",
        #"{"candidates":["champion","shadow-1"],"cause":"decay.detected","pipeline":"oil-price","#
            + #""pipelineVersion":"v","rows":500}"#
    ),
    (
        "t/local/training/progressed/v1/oil-price/",
        #"{"candidate":"champion","epoch":3,"epochs":40,"pipeline":"oil-price","validationLoss":0.125}"#
    ),
    (
        "e/local/training/completed/v1/oil-price/",
        #"{"candidates":[{"calibration":"c","epochs":40,"firstKey":"a","lastKey":"b","model":"m","#
            + #""name":"champion","rows":500,"seconds":1.5,"seed":18446744073709551615,"trainingLoss":0.25,"#
            + #""validationLoss":0.5}],"frozen":"f","parity":"p","pipeline":"oil-price","pipelineVersion":"v","#
            + #""recent":"r"}"#
    ),
    (
        "e/local/training/failed/v1/oil-price/",
        #"{"code":"too-few-rows","message":"12 rows","pipeline":"oil-price"}"#
    ),
    (
        "e/local/training/declined/v1/oil-price/",
        #"{"code":"cooldown","message":"wait","pipeline":"oil-price"}"#
    ),
    (
        "e/local/conversion/completed/v1/oil-price/",
        #"{"candidates":[{"containerBytes":2048,"envelope":"{}","floatModel":"m","maxAbsoluteDifference":1,"#
            + #""meanAbsoluteDifference":0.5,"model":"x","name":"champion","signalToNoiseDB":40}],"frozen":"f","#
            + #""parity":"p","pipeline":"oil-price","pipelineVersion":"v","recent":"r"}"#
    ),
    (
        "e/local/conversion/failed/v1/oil-price/",
        #"{"candidate":"champion","code":"bad-container","message":"no","pipeline":"oil-price"}"#
    ),
    (
        "e/local/pipeline/pushed/v1/oil-price/",
        #"{"file":"name: oil-price\n","pipeline":"oil-price"}"#
    ),
    (
        "e/local/pipeline/registered/v1/oil-price/",
        #"{"definition":"{}","pipeline":"oil-price","version":"v"}"#
    ),
    (
        "e/local/pipeline/rejected/v1/oil-price/",
        #"{"code":"bad-pipeline","message":"no","pipeline":"oil-price"}"#
    ),
    (
        "e/local/model/registered/v1/oil-price/",
        #"{"candidate":"champion","digest":"d1","gates":[{"gate":"recent","limit":0.75,"message":"better","#
            + #""passed":true,"value":0.5}],"pipeline":"oil-price","version":3}"#
    ),
    (
        "e/local/model/rejected/v1/oil-price/",
        #"{"candidate":"champion","code":"failed","digest":"d1","gates":[{"gate":"recent","limit":0.75,"#
            + #""message":"better","passed":true,"value":0.5}],"message":"no","pipeline":"oil-price"}"#
    ),
    (
        "e/local/model/promoted/v1/oil-price/",
        #"{"alias":"champion","digest":"d1","pipeline":"oil-price","previous":"d0","version":3}"#
    ),
    (
        "e/local/rollout/stepped/v1/oil-price/",
        #"{"baseline":1.5,"champion":{"alias":"champion","candidate":"shadow-1","digest":"d1","envelope":"{}","#
            + #""version":3},"pipeline":"oil-price","pipelineVersion":"v","ranges":[{"count":500,"feature":"close","#
            + #""max":60.25,"min":10.5}],"shadows":[{"alias":"champion","candidate":"shadow-1","digest":"d1","#
            + #""envelope":"{}","version":3}]}"#
    ),
    (
        "e/local/rollout/completed/v1/oil-price/",
        #"{"digest":"d1","nodes":["node-1","node-2"],"pipeline":"oil-price"}"#
    ),
    (
        "e/local/model/loaded/v1/oil-price/",
        #"{"at":"2020-04-20T18:30:00.250000Z","digest":"d1","loadMs":12.5,"node":"node-1","#
            + #""pipeline":"oil-price","role":"champion"}"#
    ),
    (
        "e/local/model/refused/v1/oil-price/",
        #"{"code":"bad-signature","digest":"d1","message":"no","node":"node-1","pipeline":"oil-price","#
            + #""role":"champion"}"#
    ),
    (
        "e/local/alert/raised/v1/decay/",
        #"{"about":"oil-price","alert":"a","detail":"d","eventID":"1","#
            + #""eventType":"dev.hexloop.decay.detected.v1","rule":"decay","severity":"critical","title":"t"}"#
    ),
    (
        "e/local/alert/resolved/v1/decay/",
        #"{"about":"oil-price","alert":"a","message":"m","repeats":2,"rule":"decay"}"#
    ),
    (
        "e/local/event/refused/v1/trainer/",
        #"{"code":"bad-data","id":"1","message":"field 'x'","sequence":7,"service":"trainer","source":"//s","#
            + #""type":"t"}"#
    ),
    (
        "t/local/service/beat/v1/trainer.main/",
        #"{"instance":"main","metrics":[{"name":"x","value":1}],"processID":42,"ready":false,"#
            + #""reasons":["bus"],"residentBytes":1024,"service":"trainer","#
            + #""startedAt":"2020-04-20T18:30:00.250000Z"}"#
    ),
]

@Suite("Every event of the catalogue has its bytes")
struct CatalogueTests {
    @Test("the examples are the catalogue, and each type stands once")
    func complete() {
        let kinds = EventCatalogue.kinds.map { kind(of: $0) }
        let described = examples.map { kind(ofEvent: $0) }
        #expect(described == kinds)
        #expect(Set(kinds.map(\.type)).count == kinds.count)
        for kind in kinds {
            let found = EventCatalogue.kind(ofType: kind.type).map { self.kind(of: $0) }
            #expect(found == kind)
            #expect(EventKind(type: kind.type, reliability: kind.reliability) == kind)
        }
        let unknown = EventCatalogue.kind(ofType: "dev.hexloop.decay.detected.v2")
        #expect(unknown == nil)
    }

    private func kind<E: Event>(of type: E.Type) -> EventKind { E.kind }

    private func kind<E: Event>(ofEvent event: E) -> EventKind { E.kind }

    @Test("topic and data are written as ever, and read back as they were", arguments: 0..<29)
    func bytes(_ index: Int) throws {
        try #require(golden.count == examples.count)
        let (event, golden) = (examples[index], golden[index])
        try check(event, golden.topic, golden.data)
    }

    private func check<E: Event>(_ event: E, _ topic: String, _ data: String) throws {
        #expect(try E.kind.topic(site: "local", subject: event.subject).text == topic)
        #expect(String(decoding: try EventCoding.encode(event), as: UTF8.self) == data)
        let again = try EventCoding.decode(E.self, from: Array(data.utf8))
        #expect(String(decoding: try EventCoding.encode(again), as: UTF8.self) == data)
        let cloudEvent = try CloudEvent(event, id: "1", source: "//local/a/main", time: at)
        #expect(try CloudEvent(structured: cloudEvent.structured()).decode(E.self).subject == event.subject)
        #expect(try E.kind.filter.matches(topic))
    }

    @Test("every field that is not optional is missed by name", arguments: 0..<29)
    func missingFields(_ index: Int) throws {
        try missing(examples[index])
    }

    private func missing<E: Event>(_ event: E) throws {
        let object = try EventCoding.decode([String: JSONValue].self, from: try EventCoding.encode(event))
        var refused = 0
        for name in object.keys {
            var rest = object
            rest[name] = nil
            do { _ = try EventCoding.decode(E.self, from: try EventCoding.encode(rest)) } catch {
                #expect(error.message.contains("'\(name)'"), "\(error.message)")
                refused += 1
            }
        }
        #expect(refused > 0)
    }

    @Test("fields that are not known yet are passed over")
    func newerSender() throws {
        let text = #"{"stream":"s","key":"k","value":1,"unit":"USD"}"#
        #expect(try EventCoding.decode(LabelRecorded.self, from: Array(text.utf8)).value == 1)
    }

    @Test("a feature is a number, an array with gaps, or null")
    func features() throws {
        func elements(_ text: String) throws -> [Double] {
            try EventCoding.decode(FeatureValue.self, from: Array(text.utf8)).elements
        }
        #expect(try elements("1.5") == [1.5])
        #expect(try elements("[1,2]") == [1, 2])
        #expect(try elements("[]") == [])
        #expect(try elements("null").first?.isNaN == true)
        let gap = try elements("[1,null]")
        #expect(gap[0] == 1)
        #expect(gap[1].isNaN)
        let text = #"{"stream":"s","key":"k","inputs":{"close":"high"}}"#
        do {
            _ = try EventCoding.decode(ObservationRecorded.self, from: Array(text.utf8))
            Issue.record("a word was taken for a number")
        } catch {
            #expect(error.message.contains("'inputs.close'"))
        }
    }

    @Test(
        "types that are not ours have no kind",
        arguments: [
            "", "dev.hexloop.", "dev.hexloop.decay.detected", "dev.hexloop.decay.detected.v0",
            "dev.hexloop.decay.detected.1",
            "com.other.decay.detected.v1", "dev.hexloop.De.detected.v1", "dev.hexloop.a.b.c.v1", "dev.hexloop.a.b.v-1",
            "dev.hexloop.a.b.v99999999999999999999",
        ]
    )
    func foreignTypes(_ type: String) { #expect(EventKind(type: type) == nil) }

    @Test("a subject that is no segment is refused")
    func badSubject() {
        #expect(throws: TopicError.self) { try LabelRecorded.kind.topic(site: "local", subject: "a/b") }
        #expect(throws: TopicError.self) { try LabelRecorded.kind.topic(site: "", subject: "a") }
    }

    @Test("severities are in order, and error codes have one text each")
    func enumerations() {
        #expect(Severity.info < .warning)
        #expect(Severity.warning < .critical)
        #expect(Set(ErrorCode.allCases.map(\.rawValue)).count == ErrorCode.allCases.count)
        #expect(ErrorCode.allCases.allSatisfy { Topic.isSegment($0.rawValue) })
    }
}
