import ArgumentParser
import Bus
import Events
import FoundationEssentials
import Membership
import ServiceKit

struct AlertCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alert",
        abstract: "What people are told of, by whom it is looked after, and what nobody shall hear of.",
        subcommands: [List.self, Acknowledge.self, Silence.self, Test.self, Dead.self],
        defaultSubcommand: List.self
    )

    /// Who speaks, for the audit.
    struct Author: ParsableArguments {
        @Option(help: "Who says so. (default: $USER)")
        var by: String?

        var name: String { by ?? ProcessInfo.processInfo.environment["USER"] ?? "operator" }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Open incidents, and the silences in force.")

        @OptionGroup var options: PlaceOptions

        @Flag(help: "The newest closed incidents too.")
        var all = false

        @Flag(help: "JSON, with everything.")
        var json = false

        func run() async throws {
            let answer = try await BusConnection.ask(options, AlertQuery(.list, all: all), AlertsAnswer.self)
            let terminal = Terminal()
            guard !json else { return try terminal.json(answer) }
            if answer.incidents.isEmpty {
                terminal.line(all ? "no incident yet" : "no incident is open")
            } else {
                var table = TextTable([
                    ">incident", "about", "since", "severity", "what", "told", "looked after by",
                ])
                for one in answer.incidents {
                    let alerts = one.alerts.sorted { $0.severity > $1.severity }
                    let note = one.note.map { $0.isEmpty ? "" : ": \($0)" } ?? ""
                    table.add([
                        "\(one.incident)", one.about, one.openedAt.dateAndClock,
                        alerts.first?.severity.rawValue ?? "-",
                        one.closedAt.map { "over since \($0.dateAndClock)" }
                            ?? alerts.map { "\($0.title): \($0.detail)" }.joined(separator: "; "),
                        one.toldAt?.dateAndClock ?? "not yet", one.acknowledgedBy.map { $0 + note } ?? "-",
                    ])
                }
                table.write(to: terminal)
            }
            guard !answer.silences.isEmpty else { return }
            terminal.line()
            var table = TextTable(["silence", "rules", "about", "from", "until", "by", "reason"])
            for one in answer.silences {
                table.add([
                    one.silence, one.rules.isEmpty ? "all" : one.rules.joined(separator: ", "),
                    one.pipelines.isEmpty ? "all" : one.pipelines.joined(separator: ", "),
                    one.from?.dateAndClock ?? "-", one.until.dateAndClock, one.by, one.reason,
                ])
            }
            table.write(to: terminal)
        }
    }

    struct Acknowledge: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ack",
            abstract: "Says that you look after an incident: it is not told again until it grows worse or is over."
        )

        @OptionGroup var options: PlaceOptions

        @Argument(help: "The incident's number, as every notice and 'hexloop alert list' have it.")
        var incident: Int64

        @Option(help: "What you say to it.")
        var note = ""

        @OptionGroup var author: Author

        func run() async throws {
            let connection = try await BusConnection.open(try options.place(), name: "operator")
            defer { connection.close() }
            let open = try await connection.ask(AlertQuery(.list), AlertsAnswer.self).incidents
            guard let one = open.first(where: { $0.incident == incident }) else {
                let numbers = open.map { "\($0.incident)" }.joined(separator: ", ")
                throw CommandError(
                    "incident \(incident) is not open; " + (open.isEmpty ? "none is" : "there are \(numbers)")
                )
            }
            try await connection.publish(AlertAcknowledged(incident: incident, by: author.name, note: note))
            Terminal().line("incident \(incident) about '\(one.about)' is looked after by \(author.name)")
        }
    }

    struct Silence: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Keeps alerts from being told for a time; what still stands then is told afterwards."
        )

        @OptionGroup var options: PlaceOptions

        @Option(help: "Only alerts of this rule. Repeatable.")
        var rule: [String] = []

        @Option(help: "Only alerts about this pipeline, or those that begin so with a '*' at the end. Repeatable.")
        var pipeline: [String] = []

        @Option(name: .customLong("for"), help: "How long, such as 30m, 4h, 2d. (default: 1h)")
        var duration: String?

        @Option(help: "Until when, such as 2026-12-27T08:00:00Z, instead of --for.")
        var until: String?

        @Option(help: "From when on. (default: now)")
        var from: String?

        @Option(help: "A name to lift or to replace it by. (default: one is made)")
        var name: String?

        @Option(help: "Why.")
        var reason = "planned work"

        @Option(help: "Lifts the silence of that name.")
        var lift: String?

        @OptionGroup var author: Author

        func validate() throws {
            guard duration == nil || until == nil else { throw ValidationError("give --for or --until, not both") }
        }

        func run() async throws {
            let now = Member.clock()
            let connection = try await BusConnection.open(try options.place(), name: "operator")
            defer { connection.close() }
            let terminal = Terminal()
            if let lift {
                let known = try await connection.ask(AlertQuery(.list), AlertsAnswer.self).silences
                guard var silence = known.first(where: { $0.silence == lift }) else {
                    let names = known.map(\.silence).joined(separator: ", ")
                    throw CommandError(
                        "there is no silence '\(lift)'; " + (known.isEmpty ? "there is none" : "there are \(names)")
                    )
                }
                (silence.until, silence.by) = (now, author.name)
                try await connection.publish(silence)
                terminal.line("silence '\(lift)' is lifted")
                return
            }
            let silence = AlertSilenced(
                silence: name ?? "s-\(now.microseconds / 1_000_000)",
                rules: rule,
                pipelines: pipeline,
                from: try from.map { try Self.time($0, "--from") },
                until: try end(now),
                by: author.name,
                reason: reason
            )
            guard silence.until > silence.from ?? now else { throw CommandError("the silence would be over at once") }
            guard Topic.isSegment(silence.silence) else {
                throw CommandError("--name '\(silence.silence)' may only hold a-z, 0-9, '.', '_' and '-'")
            }
            try await connection.publish(silence)
            terminal.line(
                "silence '\(silence.silence)' until \(silence.until.rfc3339); hexloop alert silence --lift "
                    + "\(silence.silence) ends it sooner"
            )
        }

        private func end(_ now: Timestamp) throws -> Timestamp {
            if let until { return try Self.time(until, "--until") }
            let text = duration ?? "1h"
            guard let length = Duration(settingText: text) else {
                throw CommandError("--for '\(text)' must be a number with a unit, such as 30m, 4h or 2d")
            }
            return Timestamp(microseconds: now.microseconds + Int64(length / .microseconds(1)))
        }

        private static func time(_ text: String, _ option: String) throws -> Timestamp {
            guard let time = Timestamp(rfc3339: text) else {
                throw CommandError("\(option) '\(text)' is not an RFC 3339 time such as 2026-12-27T08:00:00Z")
            }
            return time
        }
    }

    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sends a notice about nothing to one sink, or to all, and says what became of it.",
            discussion: "Ends with 1 when a sink did not take it."
        )

        @OptionGroup var options: PlaceOptions

        @Argument(help: "The sink. (default: all)")
        var sink: String?

        @Flag(help: "The answer as JSON.")
        var json = false

        func run() async throws {
            let answer = try await BusConnection.ask(
                options,
                AlertQuery(.test, sink: sink),
                AlertTestAnswer.self,
                timeout: .seconds(70)
            )
            let terminal = Terminal()
            if json {
                try terminal.json(answer)
            } else {
                for one in answer.results {
                    terminal.line("\(one.sink): \(one.failure.map { "not taken: \($0)" } ?? "taken")")
                }
            }
            guard answer.results.allSatisfy({ $0.failure == nil }) else { throw ExitCode(1) }
        }
    }

    struct Dead: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Notices that a sink did not take and that were given up.",
            discussion: "With --requeue, or a number, they are tried again."
        )

        @OptionGroup var options: PlaceOptions

        @Argument(help: "Try only this one again.")
        var number: Int64?

        @Flag(help: "Try all again.")
        var requeue = false

        @Flag(help: "The answer as JSON.")
        var json = false

        func run() async throws {
            let terminal = Terminal()
            if requeue || number != nil {
                let query = AlertQuery(.requeue, number: number)
                let answer = try await BusConnection.ask(options, query, RequeuedNoticesAnswer.self)
                guard !json else { return try terminal.json(answer) }
                return terminal.line("\(answer.requeued) are tried again")
            }
            let answer = try await BusConnection.ask(options, AlertQuery(.dead), DeadNoticesAnswer.self)
            guard !json else { return try terminal.json(answer) }
            guard !answer.notices.isEmpty else { return terminal.line("nothing was given up") }
            var table = TextTable([">number", "sink", "given up", ">tries", "notice", "reason"])
            for one in answer.notices {
                table.add([
                    "\(one.number)", one.sink, one.at.dateAndClock, "\(one.attempts)", one.headline, one.failure,
                ])
            }
            table.write(to: terminal)
        }
    }
}

extension BusConnection {
    /// Opens a connection, asks the alert program one thing and closes it.
    static func ask<Answer: Decodable>(
        _ options: PlaceOptions,
        _ query: AlertQuery,
        _ answer: Answer.Type,
        timeout: Duration = .seconds(5)
    ) async throws -> Answer {
        let connection = try await open(try options.place(), name: "operator")
        defer { connection.close() }
        return try await connection.ask(query, answer, timeout: timeout)
    }
}
