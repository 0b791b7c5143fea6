import Events
import Pipelines

/// The outside system: it tells the loop of each day's prices, and of the truth about the day before.
struct MarketFeed: Sendable {
    let series: PriceSeries
    let observations: String
    let labels: String
    let input: String

    init(_ series: PriceSeries, observations: String = "wti", labels: String = "wti-next", input: String = "price") {
        self.series = series
        self.observations = observations
        self.labels = labels
        self.input = input
    }

    /// A day of the past with what came next.
    func example(_ day: Int) -> ExampleRecorded {
        ExampleRecorded(
            stream: observations,
            key: series.dates[day],
            inputs: [input: series.window(day)],
            value: series.prices[day + 1]
        )
    }

    func observation(_ day: Int) -> ObservationRecorded {
        ObservationRecorded(stream: observations, key: series.dates[day], inputs: [input: series.window(day)])
    }

    /// What the next day showed.
    func label(_ day: Int) -> LabelRecorded {
        LabelRecorded(stream: labels, key: series.dates[day], value: series.prices[day + 1])
    }

    /// Publishes the days in order at that pace, each label one step after its observation.
    /// - Parameters:
    ///   - hold: Waits while the clock shall stand still after the day it gets; lost time is not caught up.
    ///   - published: Called after each day.
    func replay(
        _ days: Range<Int>,
        daysPerSecond: Double,
        over publisher: PipelinedPublisher,
        hold: (_ before: Int?) async throws -> Void,
        published: (Int) -> Void
    ) async throws {
        let step = Duration.seconds(1 / daysPerSecond)
        var next = ContinuousClock.now
        for day in days {
            try await hold(day > days.lowerBound ? day - 1 : nil)
            if day > days.lowerBound { try await publisher.send(label(day - 1)) }
            try await publisher.send(observation(day))
            published(day)
            next = max(next + step, .now)
            try await Task.sleep(until: next, clock: .continuous)
        }
    }

    /// Publishes days of the past as fast as the log takes them.
    func load(_ days: Range<Int>, over publisher: PipelinedPublisher, sent: () -> Void) async throws {
        for day in days {
            try await publisher.send(example(day))
            sent()
        }
    }
}
