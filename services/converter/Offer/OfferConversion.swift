import Events
import Inference
import ModelContainer
import ModelGraph
import Pipelines
import Storage

/// Makes an int8 model for a pipeline of a file that was offered. Pure, and the same bytes for the same arguments.
struct OfferConversion: Sendable {
    /// What is known of an offer before its file is looked at.
    struct Context: Sendable {
        let offer: ModelOffered
        let pipeline: Pipeline
        let pipelineVersion: String
        let runID: String
        /// The program that converts.
        let createdBy: String
    }

    /// The float model as a container.
    let floatModel: [UInt8]
    let floatDigest: String
    let result: QuantizationResult
    let source: ModelSource
    /// What was done to make the file fit, a line each.
    let notes: [String]

    /// Rows on which the answers of a classifier are looked at.
    private static let probeRows = 32

    /// - Parameter rows: Rows to calibrate on.
    /// - Throws: `EventError` that names what does not fit: a node, an input, an output, a row.
    init(_ context: Context, file: [UInt8], calibration: OfferedRows) throws(EventError) {
        let (offer, pipeline) = (context.offer, context.pipeline)
        let read = try OfferedFile(file, named: offer.file, as: offer.format)
        var fit = try PipelineFit(read, to: pipeline, mapping: offer.inputs)
        let probe = calibration.sampled(Self.probeRows)
        do throws(GraphError) {
            fit.ensureProbabilities(try FloatInterpreter(fit.graph).run(probe.inputs, rows: probe.count))
        } catch { throw EventError(.badContainer, "\(offer.file): \(error)") }
        source = ModelSource(
            digest: offer.model,
            format: read.format,
            file: offer.file,
            by: offer.by,
            reason: offer.reason
        )
        var graph = fit.graph
        let levelled = InputLevels.level(&graph, calibration)
        notes = fit.notes + levelled.map { "each element of input '\($0)' has its own scale" }
        do throws(ContainerError) {
            floatModel = try ModelContainer.floatModel(
                graph: graph,
                features: Self.features(pipeline, calibration),
                task: pipeline.task.kind == .regression ? .regression : .classification,
                lineage: try Self.lineage(context, calibration),
                metadata: [
                    "source.digest": offer.model, "source.format": read.format.rawValue, "source.file": offer.file,
                    "offer.by": offer.by, "offer.reason": offer.reason,
                ]
            )
            floatDigest = BlobStore.digest(of: floatModel)
        } catch { throw EventError(.badContainer, "\(offer.file): \(error)") }
        do {
            result = try Quantizer.quantize(
                model: try ModelContainer(parsing: floatModel),
                calibration: calibration.inputs,
                rows: calibration.count,
                options: QuantizationOptions(pipeline)
            )
        } catch InferenceError.unsupported(let node, let reason) {
            throw EventError(.unsupported, "\(offer.file): node '\(node)': \(reason)")
        } catch let error as InferenceError where error.code == InferenceError.needsFloat([]).code {
            throw EventError(.unsupported, "\(offer.file): \(error)")
        } catch {
            throw EventError(.badContainer, "\(offer.file): \(error)")
        }
    }

    /// It was trained elsewhere: of rows and seeds nothing is known here.
    private static func lineage(_ context: Context, _ rows: OfferedRows) throws(ContainerError) -> Lineage {
        Lineage(
            pipeline: context.pipeline.name,
            pipelineVersion: context.pipelineVersion,
            runid: context.runID,
            role: context.offer.name,
            dataset: context.pipeline.data.observations,
            datasetDigest: BlobStore.digest(of: try rows.container()),
            firstKey: "",
            lastKey: "",
            rows: 0,
            seed: 0,
            parent: nil,
            createdBy: context.createdBy
        )
    }

    /// The pipeline's inputs with what the schema allows and what the calibration rows cover.
    private static func features(_ pipeline: Pipeline, _ rows: OfferedRows) -> [Feature] {
        var offset = 0
        return pipeline.task.inputs.map { input in
            let schema = pipeline.data.schema.first { $0.name == input.name }
            let range = rows.range(of: offset..<(offset + input.count))
            offset += input.count
            return Feature(
                name: input.name,
                shape: input.shape,
                unit: input.unit,
                min: schema?.min.map(Float.init),
                max: schema?.max.map(Float.init),
                trainingMin: range?.min,
                trainingMax: range?.max
            )
        }
    }
}
