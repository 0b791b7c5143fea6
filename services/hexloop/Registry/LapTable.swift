import Events

/// Laps as a table: the end of each arc in seconds after T1.
struct LapTable {
    private var table: TextTable

    /// - Parameter days: What the market's calendar said when each lap began, by run id; empty for no such column.
    init(_ laps: [Lap], days: [String: String] = [:]) {
        var titles = [">lap", "cause", "T1 at"]
        if !days.isEmpty { titles.insert("day", at: 2) }
        table = TextTable(
            titles + [">T0 s", ">T2", ">T3", ">T4", ">T5", ">T6", ">T7", ">T8", "winner", ">version", "outcome"]
        )
        for lap in laps {
            var row = [
                "\(lap.number)", Self.causes[lap.cause] ?? lap.cause,
                lap.detected?.dateAndClock ?? "-",
            ]
            if !days.isEmpty { row.insert(days[lap.runID] ?? "-", at: 2) }
            row += [
                lap.firstDecayed, lap.trainingStarted, lap.trained, lap.converted, lap.gatesPassed, lap.firstNode,
                lap.lastNode, lap.cleared,
            ].map { Self.offset($0, lap) }
            row += [
                lap.winner ?? "-", lap.version.map(String.init) ?? "-",
                lap.outcome + (lap.message.map { ": \($0)" } ?? ""),
            ]
            table.add(row)
        }
    }

    private static let causes = [
        "decay.detected": "decay", "training.requested": "request", "model.offered": "offered",
    ]

    private static func offset(_ time: Timestamp?, _ lap: Lap) -> String {
        guard let time, let detected = lap.detected else { return "-" }
        let seconds = (time - detected).seconds
        return (seconds >= 0 ? "+" : "") + seconds.fixed(2)
    }

    func write(to terminal: Terminal) {
        table.write(to: terminal)
        terminal.line(
            terminal.paint(
                "T0 first decayed sample, T1 decay event, T2 training start, T3 trained, T4 converted and signed, "
                    + "T5 gates passed,\nT6 first node, T7 last node, T8 error back under the near level; seconds after T1",
                .dim
            )
        )
    }
}
