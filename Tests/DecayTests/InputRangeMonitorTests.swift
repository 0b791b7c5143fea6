import Foundation
import Testing

@testable import Decay

@Suite("The input range monitor")
struct InputRangeMonitorTests {
    private func monitor(window: Int = 3, share: Double = 0.01) throws -> InputRangeMonitor {
        try InputRangeMonitor(
            features: [
                .init(name: "price", count: 2, trainingMin: 10, trainingMax: 20),
                .init(name: "volume", count: 1, trainingMin: 0, trainingMax: 1),
            ],
            window: window,
            share: share
        )
    }

    @Test("says nothing about rows on and inside the training range")
    func acceptsRange() throws {
        var monitor = try monitor()
        for index in 0..<10 { #expect(monitor.add(features: [10, 20, 1], key: "\(index)", at: 0) == []) }
        #expect(monitor.featuresOut == [])
    }

    @Test("names feature, element, value and range of the first row outside, once in an episode")
    func raisesOnce() throws {
        var monitor = try monitor()
        let signals = monitor.add(features: [11, 25, 0.5], key: "k", at: 7)
        guard case .left(let figures)? = signals.first else {
            Issue.record("no signal")
            return
        }
        #expect(signals.count == 1)
        #expect(figures.feature == "price")
        #expect(figures.element == 1)
        #expect(figures.value == 25)
        #expect(figures.trainingMin == 10)
        #expect(figures.trainingMax == 20)
        #expect(figures.key == "k")
        #expect(figures.at == 7)
        #expect(figures.rowsOutside == 1)
        #expect(monitor.add(features: [11, 26, 0.5], key: "l", at: 8) == [])
        #expect(monitor.featuresOut == ["price"])
    }

    @Test("reports the value furthest outside")
    func reportsWorst() throws {
        var monitor = try monitor()
        #expect(monitor.add(features: [21, 5, 0], key: "k", at: 0).first?.figures.value == 5)
    }

    @Test("raises every feature that one row takes out")
    func raisesSeveral() throws {
        var monitor = try monitor()
        #expect(monitor.add(features: [9, 15, 2], key: "k", at: 0).map(\.figures.feature) == ["price", "volume"])
    }

    @Test("returns after a whole window of clean rows, not one earlier, and raises anew after that")
    func returns() throws {
        var monitor = try monitor()
        _ = monitor.add(features: [9, 15, 0], key: "a", at: 1)
        #expect(monitor.add(features: [15, 15, 0], key: "b", at: 2) == [])
        #expect(monitor.add(features: [15, 15, 0], key: "c", at: 3) == [])
        guard case .returned(let figures)? = monitor.add(features: [15, 15, 0], key: "d", at: 4).first else {
            Issue.record("no signal")
            return
        }
        #expect(figures.firstKey == "a")
        #expect(figures.firstAt == 1)
        #expect(figures.key == "d")
        #expect(figures.rowsOutside == 0)
        #expect(monitor.featuresOut == [])
        #expect(monitor.add(features: [9, 15, 0], key: "e", at: 5).first?.figures.firstKey == "e")
    }

    @Test("a row outside begins the count of clean rows anew")
    func restartsCount() throws {
        var monitor = try monitor()
        _ = monitor.add(features: [9, 15, 0], key: "a", at: 1)
        for (key, price) in [("b", 15), ("c", 15), ("d", 9), ("e", 15), ("f", 15)] as [(String, Float)] {
            #expect(monitor.add(features: [price, 15, 0], key: key, at: 2) == [])
        }
        #expect(monitor.add(features: [15, 15, 0], key: "g", at: 3).count == 1)
    }

    @Test("waits for the share of the window that it was told")
    func waitsForShare() throws {
        var monitor = try monitor(window: 10, share: 0.3)
        #expect(monitor.rowsNeeded == 3)
        #expect(monitor.add(features: [9, 15, 0], key: "a", at: 1) == [])
        #expect(monitor.add(features: [9, 15, 0], key: "b", at: 2) == [])
        #expect(monitor.add(features: [9, 15, 0], key: "c", at: 3).first?.figures.rowsOutside == 3)
    }

    @Test("rare rows outside that never fill the share say nothing, neither out nor back")
    func forgetsRareRows() throws {
        var monitor = try monitor(window: 4, share: 0.5)
        for index in 0..<20 {
            let price: Float = index % 5 == 0 ? 9 : 15
            #expect(monitor.add(features: [price, 15, 0], key: "\(index)", at: 0) == [])
        }
    }

    @Test("counts rows that cannot be judged and changes nothing else")
    func ignoresBrokenRows() throws {
        var monitor = try monitor()
        for row in [[Float.nan, 1, 1], [.infinity, 1, 1], [1], [], [1, 2, 3, 4]] {
            #expect(monitor.add(features: row, key: "k", at: 0) == [])
        }
        #expect(monitor.rowsIgnored == 5)
        #expect(monitor.featuresOut == [])
    }

    @Test("survives values at the ends of the float range")
    func survivesExtremes() throws {
        var monitor = try InputRangeMonitor(
            features: [
                .init(
                    name: "x",
                    count: 1,
                    trainingMin: -.greatestFiniteMagnitude,
                    trainingMax: -.greatestFiniteMagnitude
                )
            ],
            window: 1,
            share: 1
        )
        #expect(monitor.add(features: [.greatestFiniteMagnitude], key: "k", at: 0).count == 1)
    }

    @Test("gives the same signals after a snapshot at any row", arguments: 0..<12)
    func survivesSnapshot(at cut: Int) throws {
        let rows: [[Float]] = (0..<12).map { [[9, 15, 0], [15, 15, 2], [15, 15, 0], [15, 15, 0]][$0 * 5 % 4] }
        var whole = try monitor(window: 2)
        var part = try monitor(window: 2)
        for (index, row) in rows.enumerated() {
            if index == cut {
                part = try JSONDecoder().decode(InputRangeMonitor.self, from: JSONEncoder().encode(part))
            }
            let key = "k\(index)"
            #expect(part.add(features: row, key: key, at: 0) == whole.add(features: row, key: key, at: 0))
        }
        #expect(part == whole)
    }

    @Test("refuses a snapshot whose rows contradict its features")
    func refusesBrokenSnapshot() throws {
        var monitor = try monitor()
        _ = monitor.add(features: [9, 15, 0], key: "a", at: 1)
        let json = String(decoding: try JSONEncoder().encode(monitor), as: UTF8.self)
        for (good, bad) in [
            ("\"outside\":[1]", "\"outside\":[5]"), ("\"outside\":[1]", "\"outside\":[0]"),
            ("\"rowsSeen\":1", "\"rowsSeen\":-1"), ("\"window\":3", "\"window\":0"), ("\"count\":2", "\"count\":0"),
        ] {
            let broken = json.replacingOccurrences(of: good, with: bad)
            #expect(broken != json)
            #expect(throws: (any Error).self) {
                try JSONDecoder().decode(InputRangeMonitor.self, from: Data(broken.utf8))
            }
        }
    }

    @Test("names a setting that cannot be used")
    func refusesSettings() throws {
        let good = InputRangeMonitor.Feature(name: "x", count: 1, trainingMin: 0, trainingMax: 1)
        func refusal(
            _ features: [InputRangeMonitor.Feature],
            window: Int = 1,
            share: Double = 1
        ) throws -> DecaySettingsError {
            try #require(throws: DecaySettingsError.self) {
                try InputRangeMonitor(features: features, window: window, share: share)
            }
        }
        #expect(try refusal([]).setting == "features")
        #expect(try refusal([good], window: 0).setting == "window")
        #expect(try refusal([good], share: 0).setting == "share")
        #expect(try refusal([good], share: .nan).setting == "share")
        #expect(try refusal([good], share: 1.1).setting == "share")
        #expect(try refusal([.init(name: "x", count: 0, trainingMin: 0, trainingMax: 1)]).setting == "x.count")
        #expect(try refusal([.init(name: "x", count: 1, trainingMin: .nan, trainingMax: 1)]).setting == "x.trainingMin")
        #expect(try refusal([.init(name: "x", count: 1, trainingMin: 2, trainingMax: 1)]).setting == "x.trainingMax")
    }
}
