import Bus
import CoreMetrics
import Events
import KnownPipelines
import Membership
import Pipelines
import ServiceKit
import Storage

/// `POST /pipelines/<name>/infer`: asks the pipeline's champion, on whichever node has time.
struct InferRoute: Sendable {
    /// What the body of a request holds.
    struct Question: Codable, Sendable, Hashable {
        /// Feature name to a number or a list of numbers, null for missing.
        var inputs: [String: FeatureValue]
        var key: String?
    }

    /// How long a node may take, the time until one is free included.
    static let deadline = Duration.seconds(5)

    let member: Member
    let catalogue: PipelineCatalogue

    /// Asks and waits for the answer.
    func post(_ pipeline: String, body: [UInt8]) async throws(EventError) -> Answer {
        do throws(Refusal) {
            guard member.health.isReady else {
                throw Refusal(
                    503,
                    ErrorCode.busy.rawValue,
                    "the gateway is not ready: \(member.health.reasons.joined(separator: "; ")); ask again"
                )
            }
            let question = try Self.question(body)
            guard let known = catalogue.all.first(where: { $0.name == pipeline }) else {
                let names = catalogue.all.map(\.name)
                throw Refusal(
                    404,
                    ErrorCode.unknownPipeline.rawValue,
                    "no pipeline '\(pipeline)' is registered; "
                        + (names.isEmpty ? "push one first" : "there are \(names.joined(separator: ", "))")
                )
            }
            // What no node could answer is refused here and takes nobody's time.
            do throws(EventError) { _ = try known.row(from: question.inputs.mapValues(\.elements)) } catch {
                throw Refusal(422, error.code.rawValue, error.message)
            }
            return Answer(json: try await ask(pipeline, question))
        } catch {
            Counter(label: "gateway_questions_refused_total", dimensions: [("code", error.code)]).increment()
            var answer = Answer(error)
            if error.status == 503 { answer.headers["retry-after"] = "1" }
            return answer
        }
    }

    static func question(_ body: [UInt8]) throws(Refusal) -> Question {
        do throws(EventError) { return try EventCoding.decode(Question.self, from: body) } catch {
            throw Refusal(
                400,
                error.code.rawValue,
                "\(error.message); the body is {\"inputs\": {\"feature\": number or list, ...}, \"key\": \"...\"}"
            )
        }
    }

    private func ask(_ pipeline: String, _ question: Question) async throws(Refusal) -> [UInt8] {
        let request = InferenceRequest(
            pipeline: pipeline,
            inputs: question.inputs.mapValues(\.elements),
            key: question.key
        )
        let (topic, event): (Topic, CloudEvent)
        do {
            topic = try InferenceRequest.kind.topic(site: member.identity.site, subject: pipeline)
            event = try member.envelope(request)
        } catch { throw Refusal(400, ErrorCode.badData.rawValue, "\(error)") }
        do throws(BusError) {
            return try await member.bus.request(topic: topic, event, timeout: Self.deadline)
        } catch { throw Self.refusal(error) }
    }

    /// The refusal of a node or the bus, as HTTP says it.
    static func refusal(_ error: BusError) -> Refusal {
        switch error.code {
        case .unknownFeature, .missingFeature, .badShape, .notFinite, .outOfSchema, .badData:
            Refusal(422, error.code.rawValue, error.message)
        case .unknownPipeline: Refusal(404, error.code.rawValue, error.message)
        case .noModel: Refusal(503, error.code.rawValue, error.message)
        case .busy, .full, .rehello: Refusal(503, error.code.rawValue, "\(error.message); ask again")
        case .timeout:
            Refusal(504, error.code.rawValue, "no node answered within \(deadline); ask again, with the same key")
        case .tooLarge: Refusal(413, error.code.rawValue, error.message)
        default: Refusal(500, error.code.rawValue, error.message)
        }
    }
}
