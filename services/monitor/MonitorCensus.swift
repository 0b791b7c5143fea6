import Bus
import Events
import Membership
import ServiceLifecycle
import Storage
import Synchronization

/// Which monitors live, as their beats say.
final class MonitorCensus: Service {
    /// A monitor of which nothing was heard for so long is not counted: three beats.
    static let patience = Duration.seconds(3)

    private let member: Member
    private let heard = Mutex<[String: ContinuousClock.Instant]>([:])

    init(_ member: Member) { self.member = member }

    /// Monitors that live, this one counted.
    func count() -> Int {
        let now = ContinuousClock.now
        return heard.withLock { heard in
            heard = heard.filter { now - $0.value < Self.patience }
            return heard.keys.count { $0 != member.identity.instance } + 1
        }
    }

    func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            let prefix = "t/\(member.identity.site)/service/beat/v1/\(member.identity.service)."
            for await frames in member.bus.listen(prefixes: [prefix], buffer: 64) {
                guard let beat = try? Record(frames: frames).event().decode(ServiceBeat.self) else { continue }
                heard.withLock { $0[beat.instance] = .now }
            }
        }
    }
}
