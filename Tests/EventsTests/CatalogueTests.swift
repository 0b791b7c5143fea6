import FoundationEssentials
import Testing

@testable import Events

private let at = Timestamp(microseconds: 1_587_407_400_250_000)
private let gate = GateResult(gate: "recent", passed: true, value: 0.5, limit: 0.75, message: "better")
private let figures = DecayFigures(
    cause: "concept",
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
/// With everything that came after the first version.
private let fullFigures = {
    var full = figures
    full.cause = DecayCause.inputs.rawValue
    full.detector = "threshold"
    full.severity = .critical
    full.interval = .init(low: 2.25, high: 2.75)
    full.pValue = 0.125
    full.eValue = 1024
    full.labels = 500
    full.labelledShare = 0.5
    full.estimate = 2.25
    full.episode = 3
    full.repeats = 1
    full.cooldownSeconds = 30
    full.features = [.init(feature: "close", finding: "drift", score: 0.75, pValue: 0.25)]
    return full
}()
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
    DecayPersisted(pipeline: "oil-price", digest: "d1", figures: fullFigures),
    DecayCleared(pipeline: "oil-price", digest: "d1", figures: figures),
    DecayForecast(
        pipeline: "oil-price",
        digest: "d1",
        metric: "mae",
        value: 1.5,
        threshold: 2,
        isWithdrawn: false,
        samples: 40,
        earliest: 30,
        latest: 60,
        expectedAt: at,
        key: "2020-04-20",
        record: .init(settled: 4, right: 3, crossings: 2, foreseen: 1),
        message: "soon"
    ),
    PerformanceReconciled(
        pipeline: "oil-price",
        digest: "d1",
        metric: "mae",
        from: at,
        to: at,
        predictions: 100,
        labelled: 90,
        late: 2,
        corrected: 1,
        estimate: 1.5,
        realized: 1.25,
        interval: .init(low: 1, high: 1.5),
        isTrusted: true,
        isCorrection: false,
        message: "known"
    ),
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
    ModelOffered(
        pipeline: "oil-price",
        name: "f",
        model: "m",
        file: "f.onnx",
        format: .onnx,
        calibration: "c",
        labels: "l",
        inputs: ["x": "close"],
        by: "ada",
        reason: "better"
    ),
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
    KernelRefused(node: "node-1", variant: "avx512vnni", used: "avx2", message: "no"),
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
    AlertAcknowledged(incident: 7, by: "ada", note: "on it"),
    AlertSilenced(
        silence: "holidays",
        rules: ["r"],
        pipelines: ["oil-*"],
        from: at,
        until: at,
        by: "ada",
        reason: "work"
    ),
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

/// Type, topic and data as they have been since the kind's version 1. A change here is a new version of the kind.
private let golden: [Golden] = {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    let data = (try? Data(contentsOf: root.appending(path: "docs/golden/events.json"))) ?? Data()
    return (try? JSONDecoder().decode([Golden].self, from: data)) ?? []
}()

private struct Golden: Decodable {
    let type: String
    let topic: String
    let data: String
}

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

    @Test("topic and data are written as ever, and read back as they were", arguments: examples.indices)
    func bytes(_ index: Int) throws {
        let event = examples[index]
        let golden = try #require(golden.first { $0.type == kind(ofEvent: event).type })
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

    @Test("every field that is not optional is missed by name", arguments: examples.indices)
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
