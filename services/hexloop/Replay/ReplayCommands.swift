import ArgumentParser
import Bus
import Events

struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Tells the loop of daily prices, as another system would.",
        discussion:
            "Each day is an observation of the last ten prices; one step later comes its label, the next day's price."
    )

    @OptionGroup var options: PlaceOptions

    @Option(help: "A file with the columns Date and Price.")
    var csv: String

    @Option(help: "First day.")
    var from = "2020-01-02"

    @Option(help: "Last day. (default: the file's)")
    var to: String?

    @Option(help: "Days per second.")
    var rate = 100.0

    @Flag(help: "Stand still while a lap is open, because a real day lasts longer than a lap.")
    var holdDuringLaps = false

    func validate() throws {
        guard rate > 0, rate <= 100_000 else { throw ValidationError("--rate is more than 0 and at most 100000.") }
    }

    func run() async throws {
        let series = try PriceSeries(path: csv)
        let days = series.days(from: from, to: to ?? series.dates.last ?? "")
        guard !days.isEmpty else { throw CommandError("\(csv) has no day from \(from) to \(to ?? "its end")") }
        let place = try options.place()
        let terminal = Terminal()
        let bar = ProgressBar(terminal, "replay", total: days.count)
        let hold = LapHold()
        let (rate, holds) = (rate, holdDuringLaps)
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            if holds {
                let connection = try await BusConnection.open(place, name: "replay-hold")
                group.addTask {
                    defer { connection.close() }
                    try await connection.follow(try LapHold.filters, from: .head) { _, event in
                        hold.heard(event)
                        return true
                    }
                }
            }
            try await PipelinedPublisher.run(place, name: "replay") { publisher in
                try await MarketFeed(series).replay(days, daysPerSecond: rate, over: publisher) { _ in
                    try await hold.wait { terminal.line($0) }
                } published: { day in
                    bar.update(day - days.lowerBound + 1, "\(series.dates[day])  \(series.prices[day].fixed(2)) USD")
                }
            }
        }
        bar.finish()
        terminal.line("\(days.count) days are in the log")
    }
}

struct HistoryLoadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history-load",
        abstract: "Gives the trainer past days with their labels."
    )

    @OptionGroup var options: PlaceOptions

    @Option(help: "A file with the columns Date and Price.")
    var csv: String

    @Option(help: "Days before this one.")
    var until = "2020-01-01"

    @Option(help: "How many of them.")
    var rows = 1250

    func run() async throws {
        let series = try PriceSeries(path: csv)
        let days = series.days(rows, before: until)
        guard !days.isEmpty else { throw CommandError("\(csv) has no day before \(until) with ten prices before it") }
        let place = try options.place()
        let terminal = Terminal()
        let bar = ProgressBar(terminal, "history", total: days.count)
        let began = ContinuousClock.now
        try await PipelinedPublisher.run(place, name: "history-load") { publisher in
            try await MarketFeed(series).load(days, over: publisher) { bar.step() }
        }
        bar.finish()
        let elapsed = ContinuousClock.now - began
        terminal.line(
            "\(days.count) days, \(series.dates[days.lowerBound])...\(series.dates[days.upperBound - 1]), are in the log "
                + "after \(elapsed.short) (\((Double(days.count) / max(elapsed.seconds, 1e-6)).fixed(0)) per second)"
        )
    }
}
