import ArgumentParser
import Bus
import Events
import Membership

/// Asks for a training, which is the answer to an alert where the loop does not train by itself.
struct TrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Asks for a training run; gates and rollout follow by themselves.",
        discussion: "A pipeline with 'automation: alert' or 'manual' does not train without being asked."
    )

    @OptionGroup var options: PlaceOptions

    @Argument(help: "The pipeline.")
    var pipeline: String

    @Option(help: ArgumentHelp("The incident that it answers, as the alert names it.", valueName: "incident"))
    var because: Int64?

    @Option(help: "Why, for the audit. (default: what the incident says)")
    var reason: String?

    @Option(help: "The newest observation that the run may use. (default: all)")
    var untilKey: String?

    func run() async throws {
        let connection = try await BusConnection.open(try options.place(), name: "operator")
        defer { connection.close() }
        var why = reason ?? "asked for by hand"
        if let because {
            let known = try await connection.ask(AlertQuery(.list, all: true), AlertsAnswer.self).incidents
            guard let incident = known.first(where: { $0.incident == because }) else {
                throw CommandError("there is no incident \(because); 'hexloop alert list' shows those that are open")
            }
            guard incident.about == pipeline else {
                throw CommandError("incident \(because) is about '\(incident.about)', not about '\(pipeline)'")
            }
            let detail = incident.alerts.max { $0.severity < $1.severity }.map { ": \($0.title), \($0.detail)" } ?? ""
            why = "\(reason.map { "\($0); " } ?? "")because of incident \(because)\(detail)"
        }
        let request = TrainingRequested(pipeline: pipeline, reason: why, untilKey: untilKey, because: because)
        let receipt = try await connection.publish(request)
        Terminal().line(
            "a training of '\(pipeline)' is asked for, run-\(receipt.sequence); hexloop laps --pipeline \(pipeline) "
                + "shows how far it is"
        )
    }
}
