import ArgumentParser
import Bus
import Events

struct OperatorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bus",
        abstract: "The operator's view of the bus.",
        subcommands: [
            BusStatusCommand.self, DeadCommand.self, BackupCommand.self, RestoreCommand.self, ForgetCommand.self,
        ]
    )
}

extension BusConnection {
    /// Asks the broker itself.
    func ask<Answer: Decodable>(_ query: BusQuery, _ answer: Answer.Type) async throws -> Answer {
        let topic = try BusQuery.kind.topic(site: place.site, subject: query.subject)
        do {
            return try EventCoding.decode(answer, from: try await client.request(topic: topic, try envelope(query)))
        } catch let error as BusError {
            throw CommandError(error.message + (error.code == .timeout ? "; does the bus have another --site?" : ""))
        }
    }

    /// Opens a connection, asks one thing and closes it.
    static func ask<Answer: Decodable>(
        _ options: PlaceOptions,
        _ query: BusQuery,
        _ answer: Answer.Type
    ) async throws -> Answer {
        let connection = try await open(try options.place(), name: "operator")
        defer { connection.close() }
        return try await connection.ask(query, answer)
    }
}

extension Terminal {
    /// A value as one line of JSON.
    func json(_ value: some Encodable) throws {
        line(String(decoding: try EventCoding.encode(value), as: UTF8.self))
    }
}

struct ForgetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget",
        abstract: "Removes a durable consumer's cursor, or a work group's progress and dead letters."
    )

    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case consumer
        case group
    }

    @OptionGroup var options: PlaceOptions

    @Argument(help: "consumer or group.")
    var kind: Kind

    @Argument(help: "Its name, as 'hexloop bus status' shows it; its program must not be running.")
    var name: String

    func run() async throws {
        let query =
            kind == .consumer ? BusQuery(.consumerRemove, name: name) : BusQuery(.groupRemove, group: name)
        let done = try await BusConnection.ask(options, query, BusDone.self)
        Terminal().line("forgot \(kind.rawValue) '\(done.removed)'")
    }
}
