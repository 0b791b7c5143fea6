import ArgumentParser
import Bus
import Events
import FoundationEssentials
import Membership
import Storage
import Synchronization
import ZeroMQ

struct ArtifactCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "artifact",
        abstract: "Moves models and data sets to and from the registry, by their SHA-256.",
        discussion: """
            A transfer goes on where an earlier one was cut, whichever side was killed. Ends with 0 when the artifact is \
            whole and on disk, with 75 when trying again may help (no server, no room), and with 1 otherwise.
            """,
        subcommands: [Put.self, Get.self, Info.self]
    )

    /// As in sysexits.h: temporary, try again.
    private static let tryAgain = ExitCode(75)

    struct Options: ParsableArguments {
        @OptionGroup var place: PlaceOptions

        @Option(
            help: ArgumentHelp("How long to go on without a single new byte, in seconds.", valueName: "seconds")
        )
        var patience = 30.0

        func validate() throws {
            guard patience >= 1, patience <= 86_400 else {
                throw ValidationError("--patience is from 1 to 86400 seconds.")
            }
        }

        func client() throws -> ArtifactClient {
            let place = try place.place()
            var client = ArtifactClient(place.artifacts, keyPath: place.keyPath)
            client.patience = .seconds(patience)
            return client
        }
    }

    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Stores a file in the registry and prints its digest, which is its name there."
        )

        @OptionGroup var options: Options

        @Argument(help: "The file. It must not change meanwhile.")
        var file: String

        func run() async throws {
            let client = try options.client()
            let bars = TransferBars()
            try await ArtifactCommand.carryOut(bars) {
                let digest = try await FileDigest.of(file) { bars.show("reading", $0, $1) }
                let began = ContinuousClock.now
                let report = try await client.upload(file: file, digest: digest) { bars.show("sending", $0, $1) }
                bars.finish("\(digest)  \(ArtifactCommand.summary(report, "sent", began))")
            }
        }
    }

    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Fetches an artifact into a file.",
            discussion: "Until it is whole, its bytes are in FILE.part; the same command goes on there."
        )

        @OptionGroup var options: Options

        @Argument(help: "SHA-256 of the artifact, 64 hexadecimal digits.")
        var digest: String

        @Argument(help: "Where it shall be.")
        var file: String

        @Flag(help: "Replace a file that is there and holds something else.")
        var force = false

        func validate() throws { try ArtifactCommand.check(digest) }

        func run() async throws {
            let client = try options.client()
            let bars = TransferBars()
            try await ArtifactCommand.carryOut(bars) {
                if FileManager.default.fileExists(atPath: file) {
                    let present = try await FileDigest.of(file) { bars.show("reading", $0, $1) }
                    guard present != digest else {
                        bars.finish("\(file) is there already and has the right bytes")
                        return
                    }
                    guard force else {
                        throw CommandError("\(file) is there and holds \(present.shortID)...; replace it with --force")
                    }
                }
                let began = ContinuousClock.now
                let report = try await client.download(digest, to: file) { bars.show("fetching", $0, $1) }
                bars.finish("\(file)  \(ArtifactCommand.summary(report, "fetched", began))")
            }
        }
    }

    struct Info: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Whether the registry has an artifact, and its size.")

        @OptionGroup var options: Options

        @Argument(help: "SHA-256 of the artifact, 64 hexadecimal digits.")
        var digest: String

        func validate() throws { try ArtifactCommand.check(digest) }

        func run() async throws {
            let client = try options.client()
            let bars = TransferBars()
            try await ArtifactCommand.carryOut(bars) {
                bars.finish("\(digest)  \(try await client.size(of: digest)) bytes")
            }
        }
    }

    private static func check(_ digest: String) throws {
        guard BlobStore.isDigest(digest) else {
            throw ValidationError("'\(digest)' is no digest: 64 digits 0-9 and a-f.")
        }
    }

    /// Runs a transfer; its errors end the command with a code that says whether trying again may help.
    private static func carryOut(_ bars: TransferBars, _ transfer: () async throws -> Void) async throws {
        do { try await transfer() } catch {
            bars.clear()
            guard let error = error as? BusError else { throw CommandError("\(error)") }
            guard error.isRetriable else { throw CommandError(error.message) }
            Terminal.complain("Error: \(error.message)")
            throw tryAgain
        }
    }

    private static func summary(_ report: ArtifactReport, _ verb: String, _ began: ContinuousClock.Instant) -> String {
        let seconds = (ContinuousClock.now - began).seconds
        var parts = ["\(report.total) bytes", "\(report.moved) \(verb) in \(seconds.fixed(2)) s"]
        if report.resumedFrom > 0 { parts.append("\(report.resumedFrom) were there") }
        if report.reconnects > 0 { parts.append("\(report.reconnects) reconnects") }
        if report.damaged > 0 { parts.append("\(report.damaged) damaged chunks repeated") }
        if report.restarts > 0 { parts.append("begun again after wrong bytes") }
        return parts.joined(separator: ", ")
    }
}
