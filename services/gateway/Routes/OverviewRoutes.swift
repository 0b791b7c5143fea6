import Bus
import Events
import Membership
import ServiceKit

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
            let (beat, isUp) = (program.beat, program.isUp)
            return Program(
                service: beat.service, instance: beat.instance, up: isUp, ready: isUp && beat.ready,
                reasons: isUp ? beat.reasons : ["not heard for \(BeatBook.freshMax) and longer"],
                residentBytes: isUp ? beat.residentBytes : 0, startedAt: beat.startedAt, pid: beat.processID)
        }
        return try Answer(200, Status(site: member.identity.site, registry: registry, services: services))
    }

    private func registry() async -> JSONValue {
        let site = member.identity.site
        do {
            let answer = try await member.bus.request(
                topic: try RegistryQuery.kind.topic(site: site, subject: "registry"),
                try member.envelope(RegistryQuery(.status)), timeout: Self.registryTimeout)
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
            let isSelf = beat.service == identity.service && beat.instance == identity.instance
            isSelfKnown = isSelfKnown || isSelf
            overview.append(Self.up(labels, program.isUp || isSelf))
            guard program.isUp else { continue }
            overview.append(
                MetricSample(
                    name: "hexloop_service_ready", labels: labels, kind: .gauge, value: beat.ready ? 1 : 0,
                    help: "Whether the program can do its work."))
            overview.append(
                MetricSample(
                    name: "hexloop_resident_bytes", labels: labels, kind: .gauge, value: Double(beat.residentBytes),
                    help: "Resident memory of the program."))
            guard !isSelf else { continue }
            groups.append(MetricGroup(labels: labels, samples: program.samples))
        }
        let own = ["service": identity.service, "instance": identity.instance]
        if !isSelfKnown { overview.append(Self.up(own, true)) }
        groups.append(MetricGroup(labels: own, samples: member.metrics.snapshot()))
        return Answer(metrics: [MetricGroup(labels: [:], samples: overview)] + groups)
    }

    private static func up(_ labels: [String: String], _ isUp: Bool) -> MetricSample {
        MetricSample(
            name: "hexloop_service_up", labels: labels, kind: .gauge, value: isUp ? 1 : 0,
            help: "Whether the program was heard in the last seconds.")
    }
}
