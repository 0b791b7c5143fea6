import Events
import KnownPipelines
import Pipelines

/// Decides whether an event of another system goes into the log, and under which topic.
struct EventCheck: Sendable {
    /// An event as it goes into the log.
    struct Admitted: Sendable, Hashable {
        let topic: Topic
        let event: CloudEvent
    }

    let site: String
    let pipelines: [Pipeline]
    /// The time of events that bring none.
    let now: Timestamp

    /// What other systems may say in Hexloop's own terms; everything else under that name is said by its programs.
    static let admittedTypes = [
        ObservationRecorded.kind.type, LabelRecorded.kind.type, ExampleRecorded.kind.type,
        TrainingRequested.kind.type, PipelinePushed.kind.type, ModelOffered.kind.type,
    ]

    /// Checks an event.
    /// - Throws: ``Refusal`` 400, 403, 413, 415 or 422 that names attribute or field, value and way out.
    func admit(_ event: CloudEvent) throws(Refusal) -> Admitted {
        guard event.type.hasPrefix(EventKind.typePrefix) else { return try admitForeign(event) }
        guard Self.admittedTypes.contains(event.type) else {
            let isOurs = EventCatalogue.kind(ofType: event.type) != nil
            let admitted = Self.admittedTypes.joined(separator: ", ")
            throw Refusal(
                403,
                .wrongType,
                "type '\(event.type)' is \(isOurs ? "said by Hexloop's own programs" : "no event of Hexloop"); other "
                    + "systems may send \(admitted), and types that do not begin with '\(EventKind.typePrefix)'",
                of: event
            )
        }
        if let contentType = event.dataContentType, !Self.isJSON(contentType) {
            throw Refusal(
                415,
                .wrongType,
                "the data of '\(event.type)' is '\(contentType)'; send it as application/json",
                of: event
            )
        }
        guard !event.data.isEmpty else {
            throw Refusal(400, .badData, "'data' is missing; '\(event.type)' needs it", of: event)
        }
        switch event.type {
        case ObservationRecorded.kind.type: return try admitKnown(event, checkObservation)
        case LabelRecorded.kind.type: return try admitKnown(event, checkLabel)
        case ExampleRecorded.kind.type: return try admitKnown(event, checkExample)
        case ModelOffered.kind.type:
            return try admitKnown(event) { (offer: ModelOffered) throws(EventError) in try offer.check() }
        // Whether the pipeline exists and its file is right is for those to say who own pipelines.
        case TrainingRequested.kind.type: return try admitKnown(event) { (_: TrainingRequested) in }
        default: return try admitKnown(event) { (_: PipelinePushed) in }
        }
    }

    private func admitKnown<E: Events.Event>(
        _ event: CloudEvent,
        _ check: (E) throws(EventError) -> Void
    ) throws(Refusal) -> Admitted {
        let data: E
        do throws(EventError) { data = try event.decode(E.self) } catch {
            throw Refusal(400, error.code, "data of '\(event.type)': \(error.message)", of: event)
        }
        if let subject = event.subject, subject != data.subject {
            throw Refusal(
                400,
                .badAttribute,
                "attribute 'subject' is '\(subject)' but the data is about '\(data.subject)'; make them equal or leave "
                    + "the attribute out",
                of: event
            )
        }
        do throws(EventError) { try check(data) } catch {
            throw Refusal(error.code == .badData ? 400 : 422, error.code, error.message, of: event)
        }
        var event = event
        event.subject = data.subject
        event.time = event.time ?? now
        let topic: Topic
        do throws(TopicError) { topic = try E.kind.topic(site: site, subject: data.subject) } catch {
            throw Refusal(400, .badTopic, "subject '\(data.subject)': \(error)", of: event)
        }
        return try sized(event, topic: topic)
    }

    private func admitForeign(_ event: CloudEvent) throws(Refusal) -> Admitted {
        let type = Self.segment(event.type)
        let subject = event.subject.map(Self.segment) ?? "none"
        let topic: Topic
        do throws(TopicError) { topic = try Topic("e/\(site)/external/\(type)/v1/\(subject)/") } catch {
            throw Refusal(400, .badTopic, "type and subject: \(error)", of: event)
        }
        return try sized(event, topic: topic)
    }

    /// What the bus takes, checked here so that the answer names the limit.
    private func sized(_ event: CloudEvent, topic: Topic) throws(Refusal) -> Admitted {
        guard event.data.count <= CloudEvent.dataBytesMax else {
            throw Refusal(
                413,
                .tooLarge,
                "the event has \(event.data.count) bytes of data; \(CloudEvent.dataBytesMax) are allowed: store large "
                    + "data elsewhere and send its address",
                of: event
            )
        }
        let header: [UInt8]
        do throws(EventError) { header = try event.header() } catch {
            throw Refusal(400, error.code, error.message, of: event)
        }
        guard header.count <= CloudEvent.headerBytesMax else {
            throw Refusal(
                413,
                .tooLarge,
                "the event has \(header.count) bytes of attributes; \(CloudEvent.headerBytesMax) are allowed",
                of: event
            )
        }
        return Admitted(topic: topic, event: event)
    }

    // MARK: Against the pipelines

    private func checkObservation(_ observation: ObservationRecorded) throws(EventError) {
        try checkKey(observation.key)
        for pipeline in try users(of: observation.stream, \.observations, "observations") {
            _ = try pipeline.row(from: observation.values)
        }
    }

    private func checkExample(_ example: ExampleRecorded) throws(EventError) {
        try checkKey(example.key)
        for pipeline in try users(of: example.stream, \.observations, "observations") {
            _ = try pipeline.row(from: example.values)
            try check(example.value, pipeline)
        }
    }

    private func checkLabel(_ label: LabelRecorded) throws(EventError) {
        try checkKey(label.key)
        for pipeline in try users(of: label.stream, \.labels, "labels") { try check(label.value, pipeline) }
    }

    private func checkKey(_ key: String) throws(EventError) {
        guard !key.isEmpty else {
            throw EventError(.badData, "field 'key' is empty; it joins an observation with its label")
        }
    }

    private func check(_ value: Double, _ pipeline: Pipeline) throws(EventError) {
        guard value.isFinite else {
            throw EventError(.notFinite, "pipeline '\(pipeline.name)': value \(value) is no finite number")
        }
        guard let classes = pipeline.task.classes else { return }
        guard let index = Int(exactly: value), (0..<classes).contains(index) else {
            throw EventError(
                .outOfSchema,
                "pipeline '\(pipeline.name)': value \(value) is no class; whole numbers from 0 to \(classes - 1) are"
            )
        }
    }

    private func users(
        of stream: String,
        _ name: KeyPath<Pipeline.DataSource, String>,
        _ key: String
    ) throws(EventError) -> [Pipeline] {
        let users = pipelines.filter { $0.data[keyPath: name] == stream }
        guard users.isEmpty else { return users }
        let known = Set(pipelines.map { $0.data[keyPath: name] }).sorted()
        let streams =
            known.isEmpty
            ? "no pipeline is registered: push one first" : "known streams are \(known.joined(separator: ", "))"
        throw EventError(.unknownPipeline, "no pipeline's data.\(key) names stream '\(stream)'; \(streams)")
    }

    // MARK: Names

    private static func isJSON(_ contentType: String) -> Bool {
        let media = EventBinding.mediaType(contentType)
        return media == "application/json" || media == "text/json" || media.hasSuffix("+json")
    }

    /// `text` as a topic segment: lower case, other characters as `-`.
    static func segment(_ text: String) -> String {
        String(text.lowercased().map { Topic.isSegment(String($0)) ? $0 : "-" })
    }
}
