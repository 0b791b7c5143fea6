import ArgumentParser
import Bus
import Events
import FoundationEssentials
import Pipelines

struct PipelineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pipeline",
        abstract: "Checks pipeline files and hands them in.",
        subcommands: [Push.self, Check.self]
    )

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Checks a pipeline file without sending it.")

        @Argument(help: "The YAML file.")
        var file: String

        func run() async throws {
            let (pipeline, _) = try PipelineFile.read(file)
            let shadows = pipeline.shadows.map(\.name).joined(separator: ", ")
            Terminal().line(
                "\(file) is fine: pipeline '\(pipeline.name)', \(pipeline.task.kind.rawValue) on "
                    + "\(pipeline.featureCount) values, automation \(pipeline.automation.rawValue)"
                    + (shadows.isEmpty ? "" : ", shadows \(shadows)")
            )
        }
    }

    struct Push: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Hands a pipeline file to the registry.")

        @OptionGroup var options: PlaceOptions

        @Argument(help: "The YAML file.")
        var file: String

        func run() async throws {
            let (pipeline, text) = try PipelineFile.read(file)
            let connection = try await BusConnection.open(try options.place(), name: "pipeline")
            defer { connection.close() }
            let registered = try await PipelineFile.push(pipeline.name, text, over: connection)
            Terminal().line("pipeline '\(registered.pipeline)' version \(registered.version.shortID) is in force")
        }
    }
}

/// A pipeline file on its way to the registry.
enum PipelineFile {
    /// How long the registry has to answer.
    static let answerTimeout: Duration = .seconds(15)

    /// Reads and checks a file.
    /// - Throws: ``CommandError`` that names the line and key.
    static func read(_ path: String) throws(CommandError) -> (Pipeline, String) {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandError("\(path) cannot be read; does it exist?")
        }
        let text = String(decoding: data, as: UTF8.self)
        do { return (try Pipeline(yaml: text), text) } catch { throw CommandError("\(path): \(error)") }
    }

    /// Hands a file in and waits for the registry's word.
    /// - Throws: ``CommandError`` when the registry refuses it or does not answer in time.
    static func push(
        _ name: String,
        _ text: String,
        over connection: BusConnection
    ) async throws -> PipelineRegistered {
        let receipt = try await connection.publish(PipelinePushed(pipeline: name, file: text))
        let filters = try [PipelineRegistered.kind.filter, PipelineRejected.kind.filter]
        let answer = try await withTimeout(answerTimeout) {
            () async throws -> Result<PipelineRegistered, CommandError>? in
            var answer: Result<PipelineRegistered, CommandError>?
            try await connection.follow(filters, from: .after(receipt.sequence)) { _, event in
                guard event.subject == name else { return true }
                if event.type == PipelineRejected.kind.type {
                    let rejected = try event.decode(PipelineRejected.self)
                    answer = .failure(CommandError("the registry refused it: \(rejected.message)"))
                } else {
                    answer = .success(try event.decode(PipelineRegistered.self))
                }
                return false
            }
            return answer
        }
        guard let answer = answer.flatMap(\.self) else {
            throw CommandError(
                "the registry did not answer in \(answerTimeout.short); is it running? The file is in the log as event "
                    + "\(receipt.sequence) and will be taken when it is"
            )
        }
        return try answer.get()
    }
}
