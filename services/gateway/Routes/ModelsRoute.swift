import Bus
import CoreMetrics
import Events
import HummingbirdCore
import Membership
import Pipelines
import ServiceKit
import Storage
import Synchronization

/// `POST /pipelines/<name>/models` and `POST /artifacts`: files go to the registry's store, and a model is offered.
final class ModelsRoute: Sendable {
    /// The answer to an offer that is in the log.
    struct Offered: Codable, Sendable, Hashable {
        /// The lap that the offer began: `runid` of all events that follow.
        var run: String
        /// The offer's position in the log.
        var sequence: UInt64
        /// SHA-256 of the file, its name in the registry's store.
        var model: String
        var pipeline: String
    }

    /// The answer to a file that is in the registry's store.
    struct Stored: Codable, Sendable, Hashable {
        /// SHA-256 of the file, its name there.
        var digest: String
        var bytes: Int
    }

    /// Files that are under way at once; more are refused.
    static let uploadsMax = 4
    /// The parameters of an offer.
    static let parameters = ["by", "calibration", "file", "format", "inputs", "labels", "name", "reason"]
    private static let publishTimeout = Duration.seconds(5)

    private let member: Member
    private let catalogue: PipelineCatalogue
    private let directory: String
    private let uploads = Mutex(0)

    /// - Throws: `StorageError` when there is no room for files under way.
    init(member: Member, catalogue: PipelineCatalogue) throws(StorageError) {
        self.member = member
        self.catalogue = catalogue
        directory = "\(member.directory)/incoming"
        try BodyFile.makeDirectory(directory)
    }

    /// Stores a file.
    func store(length: Int?, body: RequestBody) async throws(EventError) -> Answer {
        let stored: (digest: String, count: Int)
        do throws(Refusal) { stored = try await upload(length, body, bytesMax: ModelOffered.rowsBytesMax) } catch {
            return Self.answer(error)
        }
        return try Answer(201, Stored(digest: stored.digest, bytes: stored.count))
    }

    /// Stores a model's file and offers it.
    /// - Parameter query: The parameters of the address, decoded.
    func offer(
        _ pipeline: String,
        query: [(name: String, value: String)],
        length: Int?,
        body: RequestBody
    ) async throws(EventError) -> Answer {
        var event: ModelOffered
        let sequence: UInt64
        do throws(Refusal) {
            event = try Self.event(pipeline, query)
            guard catalogue.all.contains(where: { $0.name == pipeline }) else {
                let names = catalogue.all.map(\.name)
                throw Refusal(
                    404,
                    ErrorCode.unknownPipeline.rawValue,
                    "no pipeline '\(pipeline)' is registered; "
                        + (names.isEmpty ? "push one first" : "there are \(names.joined(separator: ", "))")
                )
            }
            event.model = try await upload(length, body, bytesMax: ModelOffered.fileBytesMax).digest
            sequence = try await publish(event)
        } catch { return Self.answer(error) }
        return try Answer(
            202,
            Offered(run: "run-\(sequence)", sequence: sequence, model: event.model, pipeline: pipeline)
        )
    }

    /// The offer that the parameters describe, without the digest of its file.
    static func event(_ pipeline: String, _ query: [(name: String, value: String)]) throws(Refusal) -> ModelOffered {
        func refusal(_ message: String) -> Refusal { Refusal(400, ErrorCode.badAttribute.rawValue, message) }
        var values: [String: String] = [:]
        for (name, value) in query {
            guard parameters.contains(name) else {
                throw refusal("there is no parameter '\(name)'; there are \(parameters.joined(separator: ", "))")
            }
            guard values.updateValue(value, forKey: name) == nil else {
                throw refusal("parameter '\(name)' is there twice")
            }
        }
        var format: ModelFormat?
        if let text = values["format"] {
            format = ModelFormat(rawValue: text)
            guard format != nil else {
                throw refusal(
                    "format '\(text)' is none of \(ModelFormat.allCases.map(\.rawValue).joined(separator: ", "))"
                )
            }
        }
        let event = ModelOffered(
            pipeline: pipeline,
            name: values["name"] ?? "offered",
            model: String(repeating: "0", count: 64),
            file: values["file"] ?? "model",
            format: format,
            calibration: values["calibration"],
            labels: values["labels"],
            inputs: try values["inputs"].map(mapping),
            by: values["by"] ?? "http",
            reason: values["reason"] ?? "posted"
        )
        do throws(EventError) { try event.check() } catch {
            throw Refusal(400, error.code.rawValue, error.message)
        }
        return event
    }

    /// `image:pixels,scale:factor`
    private static func mapping(_ text: String) throws(Refusal) -> [String: String] {
        var mapping: [String: String] = [:]
        for pair in text.split(separator: ",") {
            let parts = pair.split(separator: ":")
            guard parts.count == 2, mapping.updateValue(String(parts[1]), forKey: String(parts[0])) == nil else {
                throw Refusal(
                    400,
                    ErrorCode.badAttribute.rawValue,
                    "inputs '\(text)' is to be <input of the model>:<input of the pipeline>,..., each once"
                )
            }
        }
        return mapping
    }

    private func upload(
        _ length: Int?,
        _ body: RequestBody,
        bytesMax: Int
    ) async throws(Refusal) -> (digest: String, count: Int) {
        guard member.health.isReady else {
            throw Refusal(
                503,
                ErrorCode.busy.rawValue,
                "the gateway is not ready: \(member.health.reasons.joined(separator: "; ")); send it again"
            )
        }
        guard length ?? 0 <= bytesMax else { throw BodyFile.tooLarge(bytesMax) }
        let isFree = uploads.withLock { count in
            guard count < Self.uploadsMax else { return false }
            count += 1
            return true
        }
        guard isFree else {
            throw Refusal(
                503,
                ErrorCode.busy.rawValue,
                "\(Self.uploadsMax) files are under way already; send it again"
            )
        }
        defer { uploads.withLock { $0 -= 1 } }
        let file = try await BodyFile.receive(body, in: directory, bytesMax: bytesMax)
        do throws(BusError) { try await member.artifacts.upload(file: file.path, digest: file.digest) } catch {
            throw Refusal(
                error.isRetriable ? 503 : 500,
                error.code.rawValue,
                "the registry did not store the file: \(error.message)"
            )
        }
        return (file.digest, file.byteCount)
    }

    private func publish(_ event: ModelOffered) async throws(Refusal) -> UInt64 {
        let (topic, envelope): (Topic, CloudEvent)
        do {
            topic = try ModelOffered.kind.topic(site: member.identity.site, subject: event.pipeline)
            envelope = try member.envelope(event)
        } catch { throw Refusal(400, ErrorCode.badData.rawValue, "\(error)") }
        do throws(BusError) {
            return try await member.bus.publish(topic: topic, envelope, timeout: Self.publishTimeout).sequence
        } catch {
            throw Refusal(
                error.isRetriable ? 503 : 500,
                error.code.rawValue,
                "the bus did not confirm the offer: \(error.message); send it again"
            )
        }
    }

    private static func answer(_ refusal: Refusal) -> Answer {
        Counter(label: "gateway_models_refused_total", dimensions: [("code", refusal.code)]).increment()
        var answer = Answer(refusal)
        if refusal.status == 503 { answer.headers["retry-after"] = "1" }
        return answer
    }
}
