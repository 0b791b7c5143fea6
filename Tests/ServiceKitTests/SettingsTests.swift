import ArgumentParser
import Logging
import Testing

@testable import ServiceKit

@Suite("Settings are read from four sources in order")
struct SettingsTests {
    private let defaults: [String: Settings.Default] = [
        "bus.endpoint": .required, "window.samples": 1000, "window.share": 0.5, "window.open": true,
        "retry.delay": "500ms", "topics": "a, b", "mode": "fast",
    ]

    private func settings(
        file: String? = nil,
        set: [String] = [],
        environment: [String: String] = [:],
        logLevel: String? = nil
    ) throws(SettingsError) -> Settings {
        try Settings(
            options: ServiceOptions(configurationFile: file, assignments: set, logLevel: logLevel),
            defaults: defaults,
            environment: environment
        )
    }

    @Test("the command line wins over the environment, the file and the default")
    func precedence() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.file("a.yaml", "window:\n  samples: 30\n")
        let environment = ["HEXLOOP_WINDOW_SAMPLES": "20"]
        let range = 1...100_000
        let all = try settings(file: file, set: ["window.samples=5", "window.samples=10"], environment: environment)
        #expect(try all.int("window.samples", in: range) == 10)
        #expect(try settings(file: file, environment: environment).int("window.samples", in: range) == 20)
        #expect(try settings(file: file).int("window.samples", in: range) == 30)
        #expect(try settings().int("window.samples", in: range) == 1000)
    }

    @Test("each type is read from text")
    func textValues() throws {
        let settings = try settings(
            set: [
                "bus.endpoint=ipc://a=b", "window.share=0.25", "window.open=no", "retry.delay=1.5h", "topics=x,,y z ",
            ]
        )
        #expect(try settings.string("bus.endpoint") == "ipc://a=b")
        #expect(try settings.double("window.share", in: 0...1) == 0.25)
        #expect(try settings.bool("window.open") == false)
        #expect(try settings.duration("retry.delay") == .seconds(5400))
        #expect(try settings.strings("topics") == ["x", "y z"])
        #expect(try settings.string("mode", oneOf: ["fast", "slow"]) == "fast")
    }

    @Test("each type is read from YAML, nested or with dotted keys")
    func fileValues() throws {
        let directory = try TemporaryDirectory()
        let yaml = """
            # comment
            bus.endpoint: tcp://bus:7000
            window: {samples: 12, share: 1, open: off}
            retry:
              delay: 30s
            topics: [one, two]
            """
        let settings = try settings(file: directory.file("a.yaml", yaml))
        #expect(try settings.string("bus.endpoint") == "tcp://bus:7000")
        #expect(try settings.int("window.samples", in: 1...20) == 12)
        #expect(try settings.double("window.share") == 1)
        #expect(try settings.bool("window.open") == false)
        #expect(try settings.duration("retry.delay", in: .seconds(1)...(.seconds(60))) == .seconds(30))
        #expect(try settings.strings("topics") == ["one", "two"])
    }

    @Test("whole numbers are numbers as well")
    func wholeDefaultReadAsDouble() throws {
        #expect(try settings().double("window.samples") == 1000)
    }

    @Test("a malformed number stops the read and names key, value and source", arguments: ["12x", "1.5", "", "0x"])
    func malformedNumber(text: String) throws {
        let settings = try settings(set: ["window.samples=\(text)"])
        let error = #expect(throws: SettingsError.self) { try settings.int("window.samples", in: 1...10) }
        #expect(
            error
                == .malformed(
                    key: "window.samples",
                    value: text,
                    expected: "a whole number",
                    source: .assignment
                )
        )
    }

    @Test("a malformed value in the environment does not fall through to the file")
    func malformedEnvironment() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.file("a.yaml", "window: {samples: 30}")
        let settings = try settings(file: file, environment: ["HEXLOOP_WINDOW_SAMPLES": "many"])
        let error = #expect(throws: SettingsError.self) { try settings.int("window.samples", in: 1...100) }
        #expect(error?.description.contains("HEXLOOP_WINDOW_SAMPLES") == true)
        #expect(error?.description.contains("\"many\"") == true)
    }

    @Test("a malformed value in the file names the file", arguments: ["twelve", "[1, 2]", "'12'", "1.5"])
    func malformedInFile(value: String) throws {
        let directory = try TemporaryDirectory()
        let file = try directory.file("a.yaml", "window: {samples: \(value)}")
        let settings = try settings(file: file)
        let error = #expect(throws: SettingsError.self) { try settings.int("window.samples", in: 1...100) }
        #expect(error?.description.contains(file) == true)
    }

    @Test("an empty environment variable counts as not set")
    func emptyEnvironment() throws {
        #expect(try settings(environment: ["HEXLOOP_MODE": ""]).string("mode") == "fast")
    }

    @Test("a required key without a value says how to give one")
    func missing() throws {
        let settings = try settings()
        let error = #expect(throws: SettingsError.missing(key: "bus.endpoint")) { try settings.string("bus.endpoint") }
        #expect(error?.description.contains("--set bus.endpoint=VALUE") == true)
        #expect(error?.description.contains("HEXLOOP_BUS_ENDPOINT") == true)
    }

    @Test("a value outside its range is refused with the range")
    func range() throws {
        let settings = try settings(set: ["window.samples=11", "window.share=nan", "retry.delay=400d"])
        #expect(
            throws: SettingsError.outOfRange(
                key: "window.samples",
                value: "11",
                allowed: "1...10",
                source: .assignment
            )
        ) { try settings.int("window.samples", in: 1...10) }
        #expect(throws: SettingsError.self) { try settings.double("window.share") }
        #expect(throws: SettingsError.self) { try settings.duration("retry.delay") }
    }

    @Test("another word than those allowed is refused")
    func choice() throws {
        let settings = try settings(set: ["mode=Fast"])
        let error = #expect(throws: SettingsError.self) { try settings.string("mode", oneOf: ["fast", "slow"]) }
        #expect(error?.description.contains("one of fast, slow") == true)
    }

    @Test("an unknown key in the file is refused with the nearest name")
    func unknownInFile() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.file("a.yaml", "window:\n  sampels: 30\n")
        let error = #expect(throws: SettingsError.self) { try settings(file: file) }
        #expect(error == .unknownKey("window.sampels", source: .file(file), suggestion: "window.samples"))
        #expect(error?.description.contains("Did you mean window.samples?") == true)
    }

    @Test("an unknown key of --set is refused, without a guess when nothing is near")
    func unknownAssignment() {
        #expect(throws: SettingsError.unknownKey("Mode", source: .assignment, suggestion: "mode")) {
            try settings(set: ["Mode=slow"])
        }
        #expect(throws: SettingsError.unknownKey("colour.of.the.sky", source: .assignment, suggestion: nil)) {
            try settings(set: ["colour.of.the.sky=blue"])
        }
    }

    @Test("an argument of --set without key or equals sign is refused", arguments: ["mode", "=slow", ""])
    func malformedAssignment(argument: String) {
        #expect(throws: SettingsError.malformedAssignment(argument)) { try settings(set: [argument]) }
    }

    @Test(
        "a file that is no mapping is refused on one line",
        arguments: ["window: [1, 2", "- a\n- b", "just text", "a: 1\na: 2", "mode: [{a: 1}]", "\u{1}"]
    )
    func malformedFile(content: String) throws {
        let directory = try TemporaryDirectory()
        let file = try directory.file("a.yaml", content)
        let error = try #require(throws: SettingsError.self) { try settings(file: file) }
        guard case .malformedFile(file, _) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(!error.description.contains("\n"))
    }

    @Test("a file with comments only gives the defaults", arguments: ["", "# nothing\n\n", "---\n  # x"])
    func emptyFile(content: String) throws {
        let directory = try TemporaryDirectory()
        #expect(try settings(file: directory.file("a.yaml", content)).string("mode") == "fast")
    }

    @Test("a missing file, a directory and a file without end are refused")
    func unreadableFile() throws {
        let directory = try TemporaryDirectory()
        for path in ["\(directory.path)/none.yaml", directory.path, "/dev/zero"] {
            let error = try #require(throws: SettingsError.self) { try settings(file: path) }
            guard case .unreadableFile(path, _) = error else {
                Issue.record("\(error)")
                continue
            }
        }
    }

    @Test("the level of the log comes from --log-level before all else")
    func logging() throws {
        let environment = ["HEXLOOP_LOG_LEVEL": "error", "HEXLOOP_LOG_FORMAT": "json"]
        #expect(try settings().logLevel == .info)
        #expect(try settings().logFormat == .text)
        #expect(try settings(environment: environment).logFormat == .json)
        #expect(try settings(environment: environment).logLevel == .error)
        #expect(try settings(set: ["log.level=debug"], environment: environment, logLevel: "trace").logLevel == .trace)
        #expect(throws: SettingsError.self) { try settings(logLevel: "loud") }
    }

    @Test("the command line repeats --set")
    func commandLine() throws {
        let options = try ServiceOptions.parse(
            ["--set", "mode=slow", "--set", "window.samples=2", "--config", "a.yaml", "--log-level", "debug"])
        #expect(options.assignments == ["mode=slow", "window.samples=2"])
        #expect(options.configurationFile == "a.yaml")
        #expect(options.logLevel == "debug")
        #expect(throws: (any Error).self) { try ServiceOptions.parse(["--sett", "mode=slow"]) }
    }

    @Test("a key that was not declared is a mistake of the programmer")
    func undeclared() async {
        await #expect(processExitsWith: .failure) {
            let settings = try Settings(options: ServiceOptions(), defaults: [:], environment: [:])
            _ = try settings.string("nothing")
        }
    }

    @Test("two keys for one environment variable are a mistake of the programmer")
    func collidingKeys() async {
        await #expect(processExitsWith: .failure) {
            _ = try Settings(options: ServiceOptions(), defaults: ["a.b": 1, "a-b": 2], environment: [:])
        }
    }

    @Test("a key with other characters is a mistake of the programmer")
    func badKey() async {
        await #expect(processExitsWith: .failure) {
            _ = try Settings(options: ServiceOptions(), defaults: ["aB": 1], environment: [:])
        }
    }
}

@Suite("Durations are written with a unit")
struct DurationSettingTests {
    @Test(
        "a number with a unit is read",
        arguments: [
            ("250us", Duration.microseconds(250)), ("500ms", .milliseconds(500)), ("30s", .seconds(30)),
            ("1.5h", .seconds(5400)), ("2m", .seconds(120)), ("5d", .seconds(432_000)), ("0s", .zero),
            ("0.3s", .milliseconds(300)),
        ]
    )
    func readable(text: String, duration: Duration) {
        #expect(Duration(settingText: text) == duration)
    }

    @Test("anything else is not", arguments: ["30", "s", "", "-1s", "nans", "infs", "1e300d", "3 weeks", "1,5h"])
    func unreadable(text: String) {
        #expect(Duration(settingText: text) == nil)
    }
}

@Suite("A misspelt word finds the one that was meant")
struct SpellingTests {
    @Test("the distance counts insertions, deletions and replacements")
    func distance() {
        #expect(Spelling.distance("", "") == 0)
        #expect(Spelling.distance("", "abc") == 3)
        #expect(Spelling.distance("abc", "") == 3)
        #expect(Spelling.distance("kitten", "sitting") == 3)
        #expect(Spelling.distance("samples", "sampels") == 2)
    }

    @Test("among equals the first in the alphabet is taken")
    func ties() {
        #expect(Spelling.closest(to: "ab", among: ["az", "ac"]) == "ac")
        #expect(Spelling.closest(to: "ab", among: ["wxyz"]) == nil)
        #expect(Spelling.closest(to: "ab", among: []) == nil)
    }
}
