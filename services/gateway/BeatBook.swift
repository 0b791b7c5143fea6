import Events
import ServiceKit

/// The last beat of each program.
struct BeatBook: Sendable {
    /// A program as it was heard last.
    struct Program: Sendable {
        let beat: ServiceBeat
        let samples: [MetricSample]
        /// Heard within ``BeatBook/freshMax``.
        let isUp: Bool
    }

    /// Silence after which a program counts as gone.
    static let freshMax = Duration.seconds(5)
    /// Silence after which it is not mentioned any more.
    static let rememberedMax = Duration.seconds(600)
    /// Programs that are remembered; beats of more are dropped.
    static let programsMax = 1_024

    private var heard: [String: (beat: ServiceBeat, samples: [MetricSample], at: ContinuousClock.Instant)] = [:]

    /// Takes a beat.
    mutating func hear(_ beat: ServiceBeat, at time: ContinuousClock.Instant) {
        heard = heard.filter { time - $0.value.at < Self.rememberedMax }
        guard heard[beat.subject] != nil || heard.count < Self.programsMax else { return }
        let bytes = (try? EventCoding.encode(beat.metrics)) ?? []
        var beat = beat
        beat.metrics = .null
        // A program of another version may have metrics that are not understood; its beat counts all the same.
        heard[beat.subject] = (beat, (try? EventCoding.decode([MetricSample].self, from: bytes)) ?? [], time)
    }

    /// Every program, by service and instance.
    func programs(at time: ContinuousClock.Instant) -> [Program] {
        heard.values.filter { time - $0.at < Self.rememberedMax }
            .map { Program(beat: $0.beat, samples: $0.samples, isUp: time - $0.at < Self.freshMax) }
            .sorted { ($0.beat.service, $0.beat.instance) < ($1.beat.service, $1.beat.instance) }
    }
}
