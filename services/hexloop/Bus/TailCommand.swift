import ArgumentParser
import Bus
import Events

struct TailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "tail", abstract: "Shows events as they happen.")

    @OptionGroup var options: PlaceOptions

    @Option(
        help: ArgumentHelp(
            "Only these topics: e/*/decay/ or, shorter, decay or decay.detected. Repeatable.",
            valueName: "filter"
        )
    )
    var filter: [String] = []

    @Option(help: ArgumentHelp("Where to begin: origin, head, or a sequence number.", valueName: "position"))
    var from: String = "head"

    @Flag(help: "One CloudEvents JSON object per line, with its sequence in the log.")
    var json = false

    func run() async throws {
        let start = try Self.position(from)
        let filters = try filter.isEmpty ? [TopicFilter("e/")] : filter.map(Self.topicFilter)
        let terminal = Terminal()
        let connection = try await BusConnection.open(try options.place(), name: "tail")
        defer { connection.close() }
        let show: (Record, CloudEvent) throws -> Void = { record, event in
            if json {
                var event = event
                event.extensions["sequence"] = "\(record.sequence)"
                terminal.line(String(decoding: try event.structured(), as: UTF8.self))
            } else {
                terminal.line(EventLine(event).text(terminal))
            }
        }
        if start == .head {
            // Live: the fan-out costs the broker nothing per reader, and what it loses is fetched from the log.
            try await connection.client.watch(filters) { record in
                do { try show(record, try record.event()) } catch {
                    Terminal.complain("record \(record.sequence) on \(record.topic) cannot be read: \(error)")
                }
            }
        } else {
            try await connection.follow(filters, from: start) { record, event in
                try show(record, event)
                return true
            }
        }
    }

    static func position(_ text: String) throws(CommandError) -> StartPosition {
        switch text {
        case "origin": return .origin
        case "head": return .head
        default:
            guard let sequence = UInt64(text) else {
                throw CommandError("--from '\(text)' must be origin, head, or a sequence number such as 1200")
            }
            return sequence == 0 ? .origin : .after(sequence - 1)
        }
    }

    /// A filter as it is, or `noun` or `noun.verb` of an event.
    static func topicFilter(_ text: String) throws -> TopicFilter {
        guard !text.contains("/") else { return try TopicFilter(text.hasSuffix("/") ? text : text + "/") }
        let parts = text.split(separator: ".", maxSplits: 1)
        let kinds = EventCatalogue.kinds.map { $0.kind }
        guard let noun = parts.first,
            kinds.contains(where: { $0.noun == noun && (parts.count == 1 || $0.verb == parts[1]) })
        else {
            let names = Set(kinds.map { $0.noun }).sorted().joined(separator: ", ")
            throw CommandError("--filter '\(text)' is no topic and names no event; events are about: \(names)")
        }
        return try TopicFilter("e/*/\(parts.joined(separator: "/"))/")
    }
}
