import ArgumentParser
import Bus
import Events
import FoundationEssentials
import Glibc
import ServiceKit

struct HealthCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health",
        abstract: "Ends with 0 when a program says that it is ready.",
        discussion: """
            A program says each second over the bus whether it can do its work. This waits for its next word: a program \
            that lives, but no longer reaches the bus, does not pass.
            """
    )

    @OptionGroup var options: PlaceOptions

    @Argument(help: "The program, such as trainer.")
    var service: String

    @Option(help: "Only this replica, such as node-2; any one when absent.")
    var instance: String?

    @Flag(help: "Only the replica that runs here, as in a container that holds one program.")
    var here = false

    @Option(help: ArgumentHelp("How long to wait for its word, in seconds.", valueName: "seconds"))
    var timeout = 4.0

    func validate() throws {
        guard Topic.isSegment(service) else { throw ValidationError("'\(service)' is no name of a program.") }
        guard timeout > 0, timeout <= 600 else { throw ValidationError("--timeout is more than 0 and at most 600.") }
        guard instance == nil || !here else { throw ValidationError("Give --instance or --here.") }
    }

    func run() async throws {
        let place = try options.place()
        var wanted = instance
        if here {
            guard let found = LocalInstance.find(of: service, data: place.data) else {
                throw CommandError("no \(service) with its state in \(place.data) runs here")
            }
            wanted = found
        }
        let connection = BusConnection(place, name: "health")
        defer { connection.close() }
        let prefix = "t/\(place.site)/service/beat/v1/\(service).\(wanted.map { "\($0)/" } ?? "")"
        let word = try await withTimeout(.seconds(timeout)) { [wanted] () async -> ServiceBeat? in
            var last: ServiceBeat?
            for await frames in connection.client.listen(prefixes: [prefix], buffer: 16) {
                // What cannot be read says nothing about the program.
                guard let beat = try? Record(frames: frames).event().decode(ServiceBeat.self) else { continue }
                last = beat
                if beat.ready { break }
                // Any ready replica will do when none is named.
                if wanted != nil { break }
            }
            return last
        }
        let name = wanted.map { $0 == "main" ? service : $0 } ?? service
        guard let beat = word.flatMap(\.self) else {
            throw CommandError("no \(wanted == nil ? "ready \(name)" : name) was heard on \(place.bus) in \(timeout) s")
        }
        guard beat.ready else {
            throw CommandError("\(name) is not ready: \(beat.reasons.joined(separator: "; "))")
        }
        Terminal().line("\(service) \(beat.instance) is ready")
    }
}

/// Finds what a program on this machine calls itself: replicas hold the lock of the folder that is named like them.
enum LocalInstance {
    /// The instance of a running program of that name; the first one when there are several.
    static func find(of service: String, data: String) -> String? {
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        for process in processes where Int32(process) != nil {
            // Other users' processes cannot be looked into; they are not the ones in question.
            let open = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd")) ?? []
            for descriptor in open {
                guard let path = link("/proc/\(process)/fd/\(descriptor)"),
                    let found = instance(holding: path, of: service, data: data)
                else { continue }
                return found
            }
        }
        return nil
    }

    /// The instance whose folder is locked by the file at `path`; nil when it is another file.
    static func instance(holding path: String, of service: String, data: String) -> String? {
        let base = "\(data)/\(service)/"
        guard path.hasPrefix(base) else { return nil }
        let parts = path.dropFirst(base.count).split(separator: "/")
        guard parts.count <= 2, parts.last == Substring(DirectoryLock.fileName) else { return nil }
        return parts.count == 1 ? "main" : String(parts[0])
    }

    private static func link(_ path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path, &buffer, buffer.count)
        guard count > 0 else { return nil }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
