import ArgumentParser
import Bus
import Events
import Membership
import ModelContainer
import ModelGraph

/// Rows that a pipeline used last, from the registry.
struct PipelineOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Instead of --calibration: the newest rows of this pipeline.", valueName: "name"))
    var pipeline: String?

    @OptionGroup var place: PlaceOptions

    /// Nil without --pipeline.
    ///
    /// - Throws: ``CommandError`` naming the pipeline, or what is missing.
    func rows(for source: SourceFile) async throws -> CalibrationFiles? {
        guard let pipeline else { return nil }
        let place = try place.place()
        let connection = try await BusConnection.open(place, name: "convert")
        defer { connection.close() }
        let records = try await connection.client.last([try TailCommand.topicFilter("training.completed")])
        let runs = try records.map { try $0.event().decode(TrainingCompleted.self) }
        guard let run = runs.last(where: { $0.pipeline == pipeline }) else {
            throw CommandError("no run of pipeline '\(pipeline)' has ended; 'hexloop status' lists the pipelines")
        }
        let bytes = try await ArtifactClient(place.artifacts, keyPath: place.keyPath).download(run.parity)
        do {
            return try CalibrationFiles(ModelContainer(parsing: bytes), of: source)
        } catch { throw CommandError("the rows of pipeline '\(pipeline)' (\(run.parity.shortID)): \(error)") }
    }
}

extension CalibrationFiles {
    /// The rows of a data set.
    ///
    /// - Throws: ``CommandError`` without the name of the data set; what reading it throws.
    init(_ dataset: ModelContainer, of source: SourceFile) throws {
        let floats = try dataset.tensor("inputs").floats
        guard !floats.isEmpty, floats.count % source.rowCount == 0 else {
            throw CommandError(
                "\(floats.count) elements, and a row of the model's input has \(source.rowCount) (\(source.inputShapes))"
            )
        }
        self.init(floats: source.graphOrder(floats), rows: floats.count / source.rowCount)
    }
}
