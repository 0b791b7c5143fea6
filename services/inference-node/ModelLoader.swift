import Bus
import CoreMetrics
import Events
import Inference
import KnownPipelines
import Logging
import Membership
import ModelContainer
import Pipelines
import ServiceLifecycle
import Storage

/// Brings what is on the shelf to what the last rollout wants: fetches, checks digest, signature and golden answers,
/// and only then swaps. A model that fails a check is refused by name; what served goes on serving.
struct ModelLoader: Service {
    /// Pause before the registry is asked again.
    private static let retryPause: Duration = .milliseconds(500)

    private let member: Member
    private let shelf: ModelShelf
    private let blobs: BlobStore
    private let key: VerificationKey
    /// Ends when every model that the node shall serve is loaded or refused for the first time.
    let firstPass: AsyncStream<Void>
    private let firstPassDone: AsyncStream<Void>.Continuation
    private let wakes: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation
    private let loadTimer = CoreMetrics.Timer(label: "model_load")

    init(member: Member, shelf: ModelShelf, blobs: BlobStore, key: VerificationKey) {
        self.member = member
        self.shelf = shelf
        self.blobs = blobs
        self.key = key
        (firstPass, firstPassDone) = AsyncStream.makeStream()
        (wakes, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        continuation.yield()
    }

    /// The wanted models may have changed.
    func wake() { continuation.yield() }

    func run() async throws {
        try await cancelWhenGracefulShutdown {
            var refused: Set<String> = []
            for await _ in wakes {
                var isComplete = true
                for deployment in try await member.store.read({ try DeploymentTable.fetchAll($0) }) {
                    isComplete = try await bring(deployment, &refused) && isComplete
                }
                if isComplete {
                    firstPassDone.finish()
                } else {
                    try await Task.sleep(for: Self.retryPause)
                    wake()
                }
            }
        }
    }

    /// - Returns: False when the registry did not answer and it is worth trying again.
    private func bring(
        _ deployment: DeploymentTable.Deployment,
        _ refused: inout Set<String>
    ) async throws -> Bool {
        let rollout = deployment.rollout
        let present = shelf.pipeline(rollout.pipeline)
        let wanted = [rollout.champion] + rollout.shadows
        guard
            present?.champion.digest != rollout.champion.digest
                || present?.shadows.map(\.digest) != rollout.shadows.map(\.digest)
                || present?.known.version != deployment.known.version
        else { return true }
        var loaded: [LoadedModel] = []
        var refusals: [ModelRefused] = []
        for model in wanted {
            if let same = ([present?.champion].compactMap { $0 } + (present?.shadows ?? [])).first(where: {
                $0.digest == model.digest
            }) {
                loaded.append(LoadedModel(alias: model.alias, digest: model.digest, model: same.model))
                continue
            }
            guard !refused.contains(model.digest) else { continue }
            do { loaded.append(try await load(model, deployment)) } catch let error as BusError where error.isRetriable
            {
                member.logger.warning("will try to load again", metadata: ["error": "\(error)"])
                return false
            } catch {
                refused.insert(model.digest)
                let (code, message) = Self.reason(error)
                member.logger.error(
                    "refused a model",
                    metadata: ["model.digest": "\(model.digest)", "reason": "\(message)"]
                )
                refusals.append(
                    ModelRefused(
                        pipeline: rollout.pipeline,
                        node: member.identity.instance,
                        digest: model.digest,
                        role: model.alias,
                        code: code,
                        message: message
                    )
                )
            }
        }
        if let champion = loaded.first(where: { $0.alias == "champion" }) {
            shelf.replace(
                ServedPipeline(
                    known: deployment.known,
                    champion: champion,
                    shadows: loaded.filter { $0.alias != "champion" }
                )
            )
        }
        try await report(deployment, loaded, refusals)
        return true
    }

    private func load(
        _ model: RolloutStepped.Deployment,
        _ deployment: DeploymentTable.Deployment
    ) async throws -> LoadedModel {
        do { try SignedEnvelope(json: Array(model.envelope.utf8)).verify(digest: model.digest, with: key) } catch {
            throw EventError(.badSignature, "\(error)")
        }
        let container = try ModelContainer(parsing: try await bytes(of: model.digest))
        let quantized = try QuantizedModel(container)
        guard container.manifest.golden?.inputs.isEmpty == false else {
            throw EventError(.badGolden, "the container has no golden answers to check")
        }
        do { try quantized.verifyGolden() } catch { throw EventError(.badGolden, "\(error)") }
        guard quantized.inputCount == deployment.known.pipeline.featureCount else {
            throw EventError(
                .badShape,
                "the model takes \(quantized.inputCount) numbers, the pipeline has \(deployment.known.pipeline.featureCount)"
            )
        }
        if !container.manifest.floatLayers.isEmpty {
            let layers = container.manifest.floatLayers.map(\.node).joined(separator: ", ")
            member.logger.notice(
                "layers of a model stay float",
                metadata: ["model.digest": "\(model.digest)", "model.layers": "\(layers)"]
            )
        }
        return LoadedModel(alias: model.alias, digest: model.digest, model: quantized)
    }

    /// The container's bytes: this node's own copy, or the registry's.
    private func bytes(of digest: String) async throws -> [UInt8] {
        do { if let bytes = try blobs.read(digest) { return bytes } } catch {
            member.logger.error("a stored model is damaged; it is fetched again", metadata: ["error": "\(error)"])
        }
        try await member.artifacts.download(digest, into: blobs)
        guard let bytes = try blobs.read(digest) else {
            throw EventError(.notFound, "model \(digest) was removed as soon as it was fetched")
        }
        return bytes
    }

    private static func reason(_ error: any Error) -> (ErrorCode, String) {
        switch error {
        case let error as EventError: (error.code, error.message)
        case let error as BusError: (error.code, error.message)
        default: (.badContainer, "\(error)")
        }
    }

    private func report(
        _ deployment: DeploymentTable.Deployment,
        _ loaded: [LoadedModel],
        _ refusals: [ModelRefused]
    ) async throws {
        let node = member.identity.instance
        let at = Member.clock()
        let (seconds, attoseconds) = (at - deployment.heardAt).components
        let loadMs = Double(seconds) * 1000 + Double(attoseconds) * 1e-15
        loadTimer.recordMilliseconds(Int64(loadMs))
        try await member.store.write { transaction in
            transaction.runID = deployment.runID
            for refusal in refusals { try transaction.send(refusal) }
            for model in loaded {
                let floatLayers = model.model.manifest.floatLayers.map(\.node)
                try transaction.send(
                    ModelLoaded(
                        pipeline: deployment.rollout.pipeline,
                        node: node,
                        digest: model.digest,
                        role: model.alias,
                        at: at,
                        loadMs: loadMs,
                        floatLayers: floatLayers.isEmpty ? nil : floatLayers
                    )
                )
            }
        }
    }
}
