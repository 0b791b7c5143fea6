import ArgumentParser
import Bus
import Events
import FoundationEssentials
import Glibc
import Membership

struct PublishCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Puts events into the log.",
        discussion: """
            The file holds CloudEvents JSON: one object, an array, or one object per line. Each event is checked before \
            the first is sent. With --type the event's data comes from --event-data instead; a --data that begins with { \
            is taken as that, too.
            """
    )

    @OptionGroup var options: PlaceOptions

    @Argument(help: "A file, or - for standard input.")
    var file: String?

    @Option(help: "Kind of the event, such as dev.hexloop.training.requested.v1.")
    var type: String?

    @Option(help: "What it is about; checked against the data.")
    var subject: String?

    @Option(name: .customLong("event-data"), help: ArgumentHelp("The event's data as JSON.", valueName: "json"))
    var eventData: String?

    @Option(name: .customLong("run-id"), help: "The lap that the event belongs to.")
    var runID: String?

    func validate() throws {
        if (file == nil) == (type == nil) {
            throw ValidationError("Name a file, or give --type with --event-data.")
        }
        if type != nil, json == nil {
            throw ValidationError("--type needs --event-data, such as --event-data '{\"pipeline\": \"oil-price\"}'.")
        }
    }

    /// No directory's name begins with a brace, so `--data '{...}'` can only mean the event.
    private var json: String? {
        eventData ?? options.data.flatMap { $0.hasPrefix("{") ? $0 : nil }
    }

    func run() async throws {
        var options = options
        if options.data?.hasPrefix("{") == true { options.data = nil }
        let place = try options.place()
        let events = try checkedEvents(site: place.site)
        let connection = try await BusConnection.open(place, name: "publish")
        defer { connection.close() }
        let terminal = Terminal()
        for (topic, event) in events {
            let receipt = try await connection.client.publish(topic: topic, event)
            terminal.line("\(receipt.sequence)\(receipt.isDuplicate ? "  the log had it already" : "")")
        }
    }

    private func checkedEvents(site: String) throws -> [(Topic, CloudEvent)] {
        if let type {
            var event = CloudEvent(
                id: "\(getpid())-\(String(UInt64.random(in: 0...UInt64.max), radix: 16))",
                source: "//\(site)/hexloop/publish",
                type: type,
                subject: subject,
                time: Member.clock(),
                dataContentType: "application/json",
                data: Array((json ?? "").utf8)
            )
            event.runID = runID
            return [try Self.checked(event, site: site, place: "the event")]
        }
        let events = try EventFile.read(file ?? "-")
        guard !events.isEmpty else { throw CommandError("\(file ?? "-") holds no event") }
        return try events.map { try Self.checked($0.event, site: site, place: $0.place) }
    }

    private static func checked(
        _ event: CloudEvent,
        site: String,
        place: String
    ) throws(CommandError) -> (Topic, CloudEvent) {
        guard let kind = EventCatalogue.kind(ofType: event.type) else {
            let known = EventCatalogue.kinds.map { $0.kind.type }.joined(separator: "\n  ")
            throw CommandError("\(place): the type '\(event.type)' is not known; known are\n  \(known)")
        }
        guard kind.kind.reliability == .event else {
            throw CommandError("\(place): '\(event.type)' is telemetry or a request, which the log does not keep")
        }
        do {
            let data = try EventCoding.decode(kind, from: event.data)
            if let subject = event.subject, subject != data.subject {
                throw CommandError("\(place): the subject is '\(subject)', but the data is about '\(data.subject)'")
            }
            var event = event
            event.subject = data.subject
            return (try kind.kind.topic(site: site, subject: data.subject), event)
        } catch let error as CommandError {
            throw error
        } catch {
            throw CommandError("\(place): \(error)")
        }
    }
}

/// Events from a file of CloudEvents JSON.
enum EventFile {
    /// The largest file that is read.
    static let bytesMax = 256 << 20

    static func read(_ path: String) throws(CommandError) -> [(place: String, event: CloudEvent)] {
        let bytes = try contents(path)
        let name = path == "-" ? "standard input" : path
        if let array = try? EventCoding.decode([[String: JSONValue]].self, from: bytes) {
            return try array.enumerated().map { index, object throws(CommandError) in
                let place = "\(name)[\(index)]"
                return (place, try event(object, place))
            }
        }
        do throws(EventError) {
            let object = try EventCoding.decode([String: JSONValue].self, from: bytes)
            return [(name, try CloudEvent(structured: object))]
        } catch {
            let filled = lines(bytes)
            guard filled.count > 1 else { throw CommandError("\(name): \(error.message)") }
            return try filled.map { number, line throws(CommandError) in
                let place = "\(name):\(number)"
                do throws(EventError) {
                    return (place, try CloudEvent(structured: Array(line)))
                } catch {
                    throw CommandError("\(place): \(error.message)")
                }
            }
        }
    }

    /// The lines that hold more than blanks, with their numbers from 1.
    private static func lines(_ bytes: [UInt8]) -> [(number: Int, line: ArraySlice<UInt8>)] {
        bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
            .map { ($0.offset + 1, $0.element) }
            .filter { !$0.1.allSatisfy { $0 == 0x20 || $0 == 0x0D || $0 == 0x09 } }
    }

    private static func event(_ object: [String: JSONValue], _ place: String) throws(CommandError) -> CloudEvent {
        do { return try CloudEvent(structured: object) } catch { throw CommandError("\(place): \(error.message)") }
    }

    private static func contents(_ path: String) throws(CommandError) -> [UInt8] {
        if path == "-" {
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            while true {
                let count = Glibc.read(STDIN_FILENO, &buffer, buffer.count)
                guard count > 0 else { return bytes }
                bytes += buffer[..<count]
                guard bytes.count <= bytesMax else {
                    throw CommandError("standard input has more than \(bytesMax) bytes")
                }
            }
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandError("\(path) cannot be read; does it exist?")
        }
        return Array(data)
    }
}
