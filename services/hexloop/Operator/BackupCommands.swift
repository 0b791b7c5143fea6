import ArgumentParser
import Events
import FoundationEssentials
import Glibc
import Membership

struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copies the log while the bus runs, into <data>/bus/backups on the bus's machine."
    )

    @OptionGroup var options: PlaceOptions

    @Argument(help: "The copy's file name. (default: bus-<time>.sqlite)")
    var name: String?

    @Flag(help: "The outcome as JSON.")
    var json = false

    func run() async throws {
        let connection = try await BusConnection.open(try options.place(), name: "operator")
        defer { connection.close() }
        let name = name ?? "bus-\(Member.clock().microseconds / 1_000_000).sqlite"
        let terminal = Terminal()
        var progress = try await connection.ask(BusQuery(.backup, name: name), BackupProgress.self)
        let copying = ProgressBar(terminal, "copying ", total: 100)
        let verifying = ProgressBar(terminal, "checking", total: 100)
        while progress.state == .copying || progress.state == .verifying {
            if !json {
                let bar = progress.state == .copying ? copying : verifying
                bar.update(progress.done * 100 / max(progress.total, 1), "\(progress.done) of \(progress.total)")
            }
            try await Task.sleep(for: .milliseconds(50))
            progress = try await connection.ask(BusQuery(.backupProgress), BackupProgress.self)
        }
        copying.finish()
        guard progress.state == .done else {
            throw CommandError("the backup failed: \(progress.message ?? "the bus was restarted meanwhile")")
        }
        guard !json else { return try terminal.json(progress) }
        terminal.line(
            "\(progress.path) holds the log up to \(progress.head ?? 0), \((progress.bytes ?? 0).megabytes) MB, "
                + "checked record by record"
        )
    }
}

struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Lays a backup ready to take the log's place at the next start of the bus.",
        discussion: """
            Works on the data directory itself, so it runs on the bus's machine. The bus checks the backup when it starts,
            gives it a new epoch, because what it lacks was seen by others, and keeps the log that was there in
            <data>/bus/replaced-<time>.
            """
    )

    @OptionGroup var options: PlaceOptions

    @Argument(help: "The backup: a path, or a name in <data>/bus/backups.")
    var file: String

    func run() async throws {
        let directory = "\(try options.place().data)/bus"
        let inBackups = "\(directory)/backups/\(file)"
        let source =
            !file.contains("/") && FileManager.default.fileExists(atPath: inBackups) ? inBackups : Place.absolute(file)
        guard FileManager.default.fileExists(atPath: source) else { throw CommandError("there is no file \(source)") }
        guard FileManager.default.fileExists(atPath: directory) else {
            throw CommandError("there is no directory \(directory); name the data directory with --data")
        }
        let (part, target) = ("\(directory)/.restore.part", "\(directory)/restore.sqlite")
        unlink(part)
        try FileManager.default.copyItem(atPath: source, toPath: part)
        for path in [part, directory] {
            let descriptor = open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0, fsync(descriptor) == 0 else { throw CommandError("cannot sync \(path)") }
            close(descriptor)
            if path == part, rename(part, target) != 0 { throw CommandError("cannot rename \(part) to \(target)") }
        }
        Terminal().line("\(target) lies ready; start the bus again and it takes the log's place")
    }
}
