import Bus
import Events
import Logging
import Membership
import ServiceLifecycle
import Storage
import Synchronization

/// Listens to the programs' beats.
final class BeatBoard: Service {
    /// Beats that may wait to be read; a second's worth of the largest loop.
    private static let bufferMax = BeatBook.programsMax

    private let member: Member
    private let book = Mutex(BeatBook())

    init(member: Member) { self.member = member }

    /// Every program heard lately, by service and instance.
    func programs() -> [BeatBook.Program] { book.withLock { $0.programs(at: .now) } }

    func run() async throws {
        let prefix = try ServiceBeat.kind.topic(site: member.identity.site, subject: "any").text.dropLast("any/".count)
        let stream = member.bus.listen(prefixes: [String(prefix)], buffer: Self.bufferMax)
        await cancelWhenGracefulShutdown { [self] in
            for await frames in stream {
                do {
                    let beat = try Record(frames: frames).event().decode(ServiceBeat.self)
                    book.withLock { $0.hear(beat, at: .now) }
                } catch {
                    // Anybody may send telemetry; what cannot be read says nothing about a program.
                    member.logger.debug("a beat cannot be read", metadata: ["reason": "\(error)"])
                }
            }
        }
    }
}
