import Logging
import Testing

@testable import ServiceKit

@Suite("A log event is one line")
struct LogLineTests {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    @Test("the text has time, level, service, message and sorted metadata")
    func text() {
        let sink = LineSink()
        var logger = sink.logger("monitor")
        logger[metadataKey: "node.id"] = "node-1"
        logger.info("Window complete", metadata: ["event.id": "7", "a": ["c": "2", "b": "1"], "list": ["x", "y"]])
        #expect(
            sink.lines == [
                "2026-07-01T10:00:00.250Z info     monitor Window complete "
                    + "a.b=1 a.c=2 event.id=7 list=\"[\\\"x\\\", \\\"y\\\"]\" node.id=node-1"
            ]
        )
    }

    @Test("line breaks, blanks and control characters cannot forge a line")
    func escaping() {
        let sink = LineSink()
        let logger = sink.logger("bus")
        logger.error(
            "one\ntwo",
            metadata: ["a": "x y", "b": "", "c": "p=q", "d": "\u{1B}[2K\r\n\u{2028}", "e": "\"\\"]
        )
        #expect(
            sink.lines == [
                "2026-07-01T10:00:00.250Z error    bus \"one\\ntwo\" "
                    + #"a="x y" b="" c="p=q" d="\u001b[2K\r\n\u2028" e="\"\\""#
            ]
        )
    }

    @Test("JSON has the same fields")
    func json() {
        let sink = LineSink()
        sink.logger("bus", format: .json).warning("Slow \"disk\"", metadata: ["queue.bytes": "12", "event.id": "ü"])
        #expect(
            sink.lines == [
                #"{"time":"2026-07-01T10:00:00.250Z","level":"warning","service":"bus","#
                    + #""message":"Slow \"disk\"","metadata":{"event.id":"ü","queue.bytes":"12"}}"#
            ]
        )
    }

    @Test("an event below the level is not written")
    func level() {
        let sink = LineSink()
        let logger = sink.logger("bus", level: .notice)
        logger.info("no")
        logger.notice("yes")
        #expect(sink.lines.count == 1)
    }

    @Test("metadata of the event wins over that of the logger")
    func metadataOrder() {
        let sink = LineSink()
        var logger = sink.logger("bus")
        logger[metadataKey: "a"] = "logger"
        logger.info("x", metadata: ["a": "event"])
        #expect(sink.lines[0].hasSuffix(" a=event"))
    }

    @Test("an error is described on one line of bounded length")
    func oneLine() {
        #expect(OneLine.describe(Failure(description: "a\n\nb\r\nc")) == "a; b; c")
        #expect(OneLine.describe(Failure(description: String(repeating: "x", count: 5_000))).count == 1_000)
    }

    @Test("the bootstrapped log goes to standard error")
    func bootstrap() async throws {
        let result = try await #require(processExitsWith: .success, observing: [\.standardErrorContent]) {
            LogOutput.bootstrap(level: .info, format: .json)
            Logger(label: "bus").debug("hidden")
            Logger(label: "bus").info("shown")
        }
        let written = String(decoding: result.standardErrorContent, as: UTF8.self)
        #expect(written.contains(#""message":"shown""#))
        #expect(!written.contains("hidden"))
    }
}
