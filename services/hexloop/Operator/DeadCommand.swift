import ArgumentParser
import Events

struct DeadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead",
        abstract: "Jobs that a work group gave up.",
        subcommands: [List.self, Show.self, Requeue.self],
        defaultSubcommand: List.self
    )

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "The dead letters, by group and sequence.")

        @OptionGroup var options: PlaceOptions

        @Option(help: "Only those of this group.")
        var group: String?

        @Flag(help: "One JSON object per line.")
        var json = false

        func run() async throws {
            let connection = try await BusConnection.open(try options.place(), name: "operator")
            defer { connection.close() }
            let terminal = Terminal()
            var table = TextTable(["group", ">sequence", "given up", ">tries", "code", "topic", "reason"])
            var (last, count) = (DeadLetter.Place?.none, 0)
            while true {
                let page = try await connection.ask(
                    BusQuery(.deadList, group: group, after: last, limit: 500),
                    DeadLettersAnswer.self
                )
                for letter in page.letters {
                    if json { try terminal.json(letter) }
                    table.add([
                        letter.group, "\(letter.sequence)", letter.at.dateAndClock, "\(letter.deliveries)",
                        letter.code.rawValue, letter.topic.isEmpty ? "(no longer in the log)" : letter.topic,
                        letter.message,
                    ])
                }
                count += page.letters.count
                guard let end = page.letters.last else { break }
                last = DeadLetter.Place(group: end.group, sequence: end.sequence)
            }
            guard !json else { return }
            guard count > 0 else {
                terminal.line("no dead letters" + (group.map { " in group '\($0)'" } ?? ""))
                return
            }
            table.write(to: terminal)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "One dead letter with its event, as JSON.")

        @OptionGroup var options: PlaceOptions

        @Argument(help: "The group.")
        var group: String

        @Argument(help: "The record's sequence.")
        var sequence: UInt64

        func run() async throws {
            let query = BusQuery(.deadShow, group: group, sequence: sequence)
            try Terminal().json(try await BusConnection.ask(options, query, DeadLetterAnswer.self))
        }
    }

    struct Requeue: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes jobs of dead letters again, with a new set of deliveries."
        )

        @OptionGroup var options: PlaceOptions

        @Argument(help: "The group.")
        var group: String?

        @Argument(help: "The record's sequence.")
        var sequence: UInt64?

        @Flag(help: "All of the group, or of all groups.")
        var all = false

        @Flag(help: "The answer as JSON.")
        var json = false

        func validate() throws {
            guard all ? sequence == nil : group != nil && sequence != nil else {
                throw ValidationError("give GROUP and SEQUENCE, or --all with or without GROUP")
            }
        }

        func run() async throws {
            let query = BusQuery(.deadRequeue, group: group, sequence: sequence)
            let answer = try await BusConnection.ask(options, query, RequeueAnswer.self)
            let terminal = Terminal()
            guard !json else { return try terminal.json(answer) }
            terminal.line(
                "\(answer.requeued.count) requeued"
                    + (answer.left > 0 ? ", \(answer.left) left: ask again when those are done" : "")
            )
        }
    }
}
