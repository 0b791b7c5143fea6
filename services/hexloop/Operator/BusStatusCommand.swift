import ArgumentParser
import Events
import Glibc

struct BusStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "The log, who reads it, who works, and who is connected."
    )

    @OptionGroup var options: PlaceOptions

    @Flag(help: "JSON, with everything.")
    var json = false

    @Flag(help: "Once a second, until interrupted.")
    var watch = false

    func run() async throws {
        let connection = try await BusConnection.open(try options.place(), name: "operator")
        defer { connection.close() }
        let terminal = Terminal()
        while true {
            let status = try await connection.ask(BusQuery(.status), BusStatus.self)
            if watch, terminal.isScreen, !json { terminal.clear() }
            if json { try terminal.json(status) } else { Self.show(status, terminal) }
            guard watch else { return }
            try await Task.sleep(for: .seconds(1))
        }
    }

    private static func show(_ status: BusStatus, _ terminal: Terminal) {
        let (log, counters) = (status.log, status.counters)
        terminal.line(
            "log       head \(log.head), oldest \(log.oldest), epoch \(log.epoch), \(log.bytes.megabytes) MB and "
                + "\(log.walBytes.megabytes) MB of WAL, \(log.streamCount) topics"
        )
        terminal.line(
            "since     \(age(status.upSeconds)): \(counters.published) records in, \(counters.duplicates) known before, "
                + "\(counters.delivered) delivered, \(counters.jobs) jobs, \(counters.jobsDead) given up"
        )
        let refused = counters.refusedByCode.sorted { $0.value > $1.value }.map { "\($0.value) \($0.key)" }
        terminal.line(
            "dropped   \(counters.telemetryLost) of \(counters.telemetryLost + counters.telemetry) telemetry, "
                + "\(counters.refused) refused" + (refused.isEmpty ? "" : " (\(refused.joined(separator: ", ")))")
        )
        list("consumers", status.consumers, terminal, ["consumer", ">cursor", ">lag", "read by", ">last heard"]) {
            one in
            [
                one.name ?? "(no name)", "\(one.cursor)", "\(one.lag)", one.session ?? "nobody",
                age(one.idleSeconds),
            ]
        }
        let titles = [
            "group", ">members", ">credit", ">leased", ">waiting", ">floor", ">lag", ">dead", "slowest, fastest",
        ]
        list("groups", status.groups, terminal, titles) { one in
            [
                one.name, "\(one.members.count)", "\(one.credit)", "\(one.leased)", "\(one.waiting)",
                one.floor.map(String.init) ?? "-", one.lag.map(String.init) ?? "-", "\(one.dead)", pace(one),
            ]
        }
        let peerTitles = ["peer", "identity", ">for", ">silent", "producer", ">in flight", ">subscriptions", "groups"]
        list("peers, \(status.peerCount)", status.peers, terminal, peerTitles) { one in
            [
                one.name, one.identity ?? "-", age(one.seconds), age(one.silentSeconds), one.producer ?? "-",
                "\(one.inFlight)", "\(one.subscriptions)", one.groups.joined(separator: ", "),
            ]
        }
    }

    private static func list<Entry>(
        _ name: String,
        _ entries: [Entry],
        _ terminal: Terminal,
        _ titles: [String],
        _ row: (Entry) -> [String]
    ) {
        guard !entries.isEmpty else { return }
        terminal.line()
        terminal.line(terminal.paint(name, .bold))
        var table = TextTable(titles)
        for entry in entries { table.add(row(entry)) }
        table.write(to: terminal)
    }

    private static func pace(_ group: GroupStatus) -> String {
        let seconds = group.members.compactMap(\.serviceSeconds).sorted()
        guard let first = seconds.first, let last = seconds.last else { return "-" }
        return "\((last * 1000).fixed(1)) ms, \((first * 1000).fixed(1)) ms"
    }

    /// A time that people compare, not one that they measure.
    static func age(_ seconds: Double) -> String {
        switch seconds {
        case ..<60: "\(Int(max(0, seconds))) s"
        case ..<3600: "\(Int(seconds) / 60) min"
        case ..<86_400: "\(Int(seconds) / 3600) h \(Int(seconds) / 60 % 60) min"
        default: "\(Int(seconds) / 86_400) d \(Int(seconds) / 3600 % 24) h"
        }
    }
}
