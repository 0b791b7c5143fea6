import Bus
import Events
import Membership
import ServiceKit
import Storage

/// `GET /status` and `GET /metrics`: all programs of the loop on one page.
struct OverviewRoutes: Sendable {
    /// `GET /status`
    struct Status: Codable, Sendable, Hashable {
        var site: String
        /// The registry's answer, or an object with `error`.
        var registry: JSONValue
        var services: [Program]
    }

    /// A program as its last beat showed it.
    struct Program: Codable, Sendable, Hashable {
        var service: String
        var instance: String
        /// A beat was heard in the last seconds.
        var up: Bool
        var ready: Bool
        var reasons: [String]
        var residentBytes: Int
        var startedAt: Timestamp
        var pid: Int32
    }

    private static let registryTimeout = Duration.seconds(2)

    let member: Member
    let board: BeatBoard

    /// How the pipelines and the programs stand; the registry's silence is part of the answer, not a failure.
    func status() async throws(EventError) -> Answer {
        let registry = await registry()
        let services = board.programs().map { program in
            let (beat, isSelf) = (program.beat, isSelf(program.beat))
            let isUp = program.isUp || isSelf
            // This program knows itself better than its last beat does, also while no beat gets through.
            let silent = ["silent for \(BeatBook.freshMax) or longer"]
            let reasons = isSelf ? member.health.reasons : isUp ? beat.reasons : silent
            return Program(
                service: beat.service,
                instance: beat.instance,
                up: isUp,
                ready: isSelf ? member.health.isReady : isUp && beat.ready,
                reasons: reasons,
                residentBytes: isUp ? beat.residentBytes : 0,
                startedAt: beat.startedAt,
                pid: beat.processID
            )
        }
        return try Answer(200, Status(site: member.identity.site, registry: registry, services: services))
    }

    private func registry() async -> JSONValue {
        let site = member.identity.site
        do {
            let answer = try await member.bus.request(
                topic: try RegistryQuery.kind.topic(site: site, subject: "registry"),
                try member.envelope(RegistryQuery(.status)),
                timeout: Self.registryTimeout
            )
            return try EventCoding.decode(JSONValue.self, from: answer)
        } catch {
            return .object(["error": .string("the registry does not answer: \(error)")])
        }
    }

    /// The metrics of every program that was heard lately, and this program's own.
    func metrics() -> Answer {
        let identity = member.identity
        var groups: [MetricGroup] = []
        var overview: [MetricSample] = []
        var isSelfKnown = false
        for program in board.programs() {
            let beat = program.beat
            let labels = ["service": beat.service, "instance": beat.instance]
            let isSelf = isSelf(beat)
            isSelfKnown = isSelfKnown || isSelf
            overview.append(Self.up(labels, program.isUp || isSelf))
            guard program.isUp else { continue }
            overview.append(
                MetricSample(
                    name: "hexloop_service_ready",
                    labels: labels,
                    kind: .gauge,
                    value: beat.ready ? 1 : 0,
                    help: "Whether the program can do its work."
                )
            )
            overview.append(
                MetricSample(
                    name: "hexloop_resident_bytes",
                    labels: labels,
                    kind: .gauge,
                    value: Double(beat.residentBytes),
                    help: "Resident memory of the program."
                )
            )
            guard !isSelf else { continue }
            groups.append(MetricGroup(labels: labels, samples: program.samples))
        }
        let own = ["service": identity.service, "instance": identity.instance]
        if !isSelfKnown { overview.append(Self.up(own, true)) }
        groups.append(MetricGroup(labels: own, samples: member.metrics.snapshot()))
        return Answer(metrics: [MetricGroup(labels: [:], samples: overview)] + groups)
    }

    private func isSelf(_ beat: ServiceBeat) -> Bool {
        beat.service == member.identity.service && beat.instance == member.identity.instance
    }

    private static func up(_ labels: [String: String], _ isUp: Bool) -> MetricSample {
        MetricSample(
            name: "hexloop_service_up",
            labels: labels,
            kind: .gauge,
            value: isUp ? 1 : 0,
            help: "Whether the program was heard in the last seconds."
        )
    }
}
