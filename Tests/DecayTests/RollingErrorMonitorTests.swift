import Foundation
import Testing

@testable import Decay

@Suite("The rolling error monitor")
struct RollingErrorMonitorTests {
    private func monitor(
        window: Int = 4,
        near: Double = 1.5,
        breach: Double = 2,
        baseline: Double = 1,
        rearmAfter: Int = 3,
        recovering: Bool = false
    ) throws -> RollingErrorMonitor {
        RollingErrorMonitor(
            settings: try .init(window: window, near: near, breach: breach, baseline: baseline, rearmAfter: rearmAfter),
            recovering: recovering
        )
    }

    /// Adds errors with keys k0, k1, ... and tells each signal as `index:name`.
    private func replay(_ errors: [Double], _ monitor: inout RollingErrorMonitor) -> [String] {
        errors.enumerated().compactMap { index, error in
            switch monitor.add(error: error, key: "k\(index)", at: Double(index)) {
            case .suspected: "\(index):suspected"
            case .detected: "\(index):detected"
            case .cleared: "\(index):cleared"
            case nil: nil
            }
        }
    }

    @Test("says nothing before the window is full, however bad the errors are")
    func judgesOnlyFullWindows() throws {
        var monitor = try monitor()
        #expect(replay([9, 9, 9], &monitor) == [])
        #expect(monitor.level == .normal)
        #expect(monitor.windowCount == 3)
    }

    @Test("says nothing while the value stays under the near level")
    func staysNormal() throws {
        var monitor = try monitor()
        #expect(replay(Array(repeating: 1.4, count: 20), &monitor) == [])
        #expect(monitor.level == .normal)
    }

    @Test("suspects once when the value reaches the near level exactly")
    func suspectsOnce() throws {
        var monitor = try monitor()
        #expect(replay([1, 1, 1, 1, 3, 1, 1, 1], &monitor) == ["4:suspected"])
        #expect(monitor.level == .suspected)
        #expect(monitor.value == 1.5)
    }

    @Test("goes from suspected to detected to cleared as the value rises and falls")
    func walksAllLevels() throws {
        var monitor = try monitor(rearmAfter: 100)
        let errors: [Double] = [1, 1, 1, 1, 3, 3, 3, 3, 1, 1, 1, 1]
        #expect(replay(errors, &monitor) == ["4:suspected", "5:detected", "11:cleared"])
        #expect(monitor.level == .normal)
    }

    @Test("detects without suspicion when one sample takes the value over both levels")
    func jumpsToDetected() throws {
        var monitor = try monitor(rearmAfter: 100)
        #expect(replay([1, 1, 1, 1, 50], &monitor) == ["4:detected"])
    }

    @Test("clears from suspected under the near level, and suspects anew in the next episode")
    func clearsFromSuspected() throws {
        var monitor = try monitor()
        let errors: [Double] = [1, 1, 1, 1, 3, 1, 1, 1, 1, 3]
        #expect(replay(errors, &monitor) == ["4:suspected", "8:cleared", "9:suspected"])
    }

    @Test("a breached value between the levels neither clears nor detects again, and neither does its return to breach")
    func hasHysteresis() throws {
        var monitor = try monitor(window: 1, rearmAfter: 100)
        #expect(
            replay([1, 2.5, 1.7, 2.5, 1.6, 2.5, 1.4, 1.7], &monitor) == ["1:detected", "6:cleared", "7:suspected"]
        )
    }

    @Test("detects again after as many further samples in breach as it was told")
    func rearms() throws {
        var monitor = try monitor(window: 1, rearmAfter: 3)
        #expect(replay([5, 5, 5, 5, 5, 5, 5], &monitor) == ["0:detected", "3:detected", "6:detected"])
    }

    @Test("does not detect again between the levels, but with the first sample in breach after the wait")
    func rearmsOnlyInBreach() throws {
        var monitor = try monitor(window: 1, rearmAfter: 2)
        #expect(replay([5, 1.7, 1.7, 1.7, 5], &monitor) == ["0:detected", "4:detected"])
    }

    @Test("names the sample that took the value over the near level")
    func namesFirstSuspect() throws {
        var monitor = try monitor(rearmAfter: 100)
        var figures: [RollingErrorMonitor.Figures] = []
        for (index, error) in [1.0, 1, 1, 1, 3, 3, 3].enumerated() {
            if let signal = monitor.add(error: error, key: "k\(index)", at: 100 + Double(index)) {
                figures.append(signal.figures)
            }
        }
        #expect(figures.map(\.firstSuspectKey) == ["k4", "k4"])
        #expect(figures.map(\.firstSuspectAt) == [104, 104])
        #expect(figures.last?.value == 2)
        #expect(figures.last?.baseline == 1)
        #expect(figures.last?.nearLevel == 1.5)
        #expect(figures.last?.breachLevel == 2)
        #expect(figures.last?.window == 4)
    }

    @Test("names the first bad sample of the window when its first full window is bad already")
    func namesFirstSuspectOfFirstWindow() throws {
        var monitor = try monitor()
        for (index, error) in [1.0, 4, 1].enumerated() {
            #expect(monitor.add(error: error, key: "k\(index)", at: Double(index)) == nil)
        }
        let signal = monitor.add(error: 4, key: "k3", at: 3)
        #expect(signal?.figures.firstSuspectKey == "k1")
        #expect(signal?.figures.firstSuspectAt == 1)
    }

    @Test("carries the beginning of the episode in the cleared signal and forgets it after")
    func forgetsEpisode() throws {
        var monitor = try monitor(window: 1)
        _ = monitor.add(error: 1.7, key: "a", at: 1)
        let cleared = monitor.add(error: 1, key: "b", at: 2)
        #expect(cleared?.figures.firstSuspectKey == "a")
        #expect(monitor.add(error: 1.7, key: "c", at: 3)?.figures.firstSuspectKey == "c")
    }

    @Test("a recovering champion clears with its first full window under the near level, once")
    func recovers() throws {
        var monitor = try monitor(recovering: true)
        #expect(monitor.isRecovering)
        #expect(replay([1, 1, 1, 1, 1, 1], &monitor) == ["3:cleared"])
        #expect(!monitor.isRecovering)
    }

    @Test("a recovering champion that is bad itself is suspected and clears once, later")
    func recoversLate() throws {
        var monitor = try monitor(window: 1, recovering: true)
        #expect(replay([1.7, 1, 1, 1.7], &monitor) == ["0:suspected", "1:cleared", "3:suspected"])
    }

    @Test("a recovering champion with a full bad window is detected")
    func recoveringIsDetected() throws {
        var monitor = try monitor(window: 2, rearmAfter: 100, recovering: true)
        #expect(replay([5, 5, 1, 1], &monitor) == ["1:detected", "3:cleared"])
    }

    @Test("counts NaN and infinite errors and changes nothing else", arguments: [Double.nan, .infinity, -.infinity])
    func ignoresNaN(error: Double) throws {
        var monitor = try monitor(window: 1)
        _ = monitor.add(error: 1, key: "a", at: 1)
        #expect(monitor.add(error: error, key: "b", at: 2) == nil)
        #expect(monitor.samplesIgnored == 1)
        #expect(monitor.samplesSeen == 1)
        #expect(monitor.value == 1)
    }

    @Test("takes the magnitude of a signed error")
    func takesMagnitude() throws {
        var monitor = try monitor(window: 2)
        #expect(replay([-5, 5], &monitor) == ["1:detected"])
        #expect(monitor.value == 5)
    }

    @Test("with a baseline of zero any error is decay and no error is none")
    func acceptsPerfectModel() throws {
        var monitor = try monitor(window: 1, baseline: 0)
        #expect(replay([0, 0, 0.001, 0], &monitor) == ["2:detected", "3:cleared"])
    }

    @Test("the value does not gather rounding errors of old samples")
    func keepsExactValue() throws {
        var monitor = try monitor(window: 2)
        _ = replay([1e16, 0.1, 0.1, 0.1], &monitor)
        #expect(monitor.value == 0.1)
    }

    @Test("gives the same signals after a snapshot at any sample", arguments: 0...24)
    func survivesSnapshot(at cut: Int) throws {
        let errors: [Double] = (0..<25).map { [1, 1, 1, 1, 3, 3, 4, 4, 4, 4, .nan, 4, 1.7][$0 % 13] }
        var whole = try monitor()
        let expected = errors.enumerated().map { whole.add(error: $1, key: "k\($0)", at: Double($0)) }
        var part = try monitor()
        var actual: [RollingErrorMonitor.Signal?] = []
        for (index, error) in errors.enumerated() {
            if index == cut {
                part = try JSONDecoder().decode(RollingErrorMonitor.self, from: JSONEncoder().encode(part))
            }
            actual.append(part.add(error: error, key: "k\(index)", at: Double(index)))
        }
        #expect(actual == expected)
        #expect(part == whole)
    }

    @Test("refuses a snapshot that contradicts itself instead of trapping later")
    func refusesBrokenSnapshot() throws {
        var monitor = try monitor()
        _ = replay([1, 2, 3, 4, 5], &monitor)
        let json = String(decoding: try JSONEncoder().encode(monitor), as: UTF8.self)
        for (good, bad) in [
            ("\"oldest\":1", "\"oldest\":9"), ("\"oldest\":1", "\"oldest\":-1"), ("\"window\":4", "\"window\":3"),
            ("\"window\":4", "\"window\":0"), ("\"breach\":2", "\"breach\":1"),
            ("\"rearmAfter\":3", "\"rearmAfter\":0"),
        ] {
            let broken = json.replacingOccurrences(of: good, with: bad)
            #expect(broken != json)
            #expect(throws: (any Error).self) {
                try JSONDecoder().decode(RollingErrorMonitor.self, from: Data(broken.utf8))
            }
        }
    }

    @Test("names a setting that cannot be used, its value and what is allowed")
    func refusesSettings() throws {
        func refusal(
            window: Int = 4,
            near: Double = 1.5,
            breach: Double = 2,
            baseline: Double = 1,
            rearm: Int = 3
        ) throws -> DecaySettingsError {
            try #require(throws: DecaySettingsError.self) {
                try RollingErrorMonitor.Settings(
                    window: window,
                    near: near,
                    breach: breach,
                    baseline: baseline,
                    rearmAfter: rearm
                )
            }
        }
        #expect(try refusal(window: 0).description == "window: 0 is not allowed; allowed: 1...100000")
        #expect(try refusal(window: .max).setting == "window")
        #expect(try refusal(near: 0).setting == "near")
        #expect(try refusal(near: .nan).setting == "near")
        #expect(try refusal(breach: 1).allowed == "a number that is at least near (1.5)")
        #expect(try refusal(baseline: .nan).setting == "baseline")
        #expect(try refusal(baseline: -1).setting == "baseline")
        #expect(try refusal(baseline: .greatestFiniteMagnitude).setting == "baseline")
        #expect(try refusal(rearm: 0).setting == "rearmAfter")
    }
}
