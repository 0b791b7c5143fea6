import Decay
import Events

/// When the metric will cross its breach level, said when it is new, when it changed much, and when it no longer holds.
struct Outlook: Codable, Sendable, Hashable {
    /// What is to be said.
    struct Saying: Sendable, Hashable {
        var forecast: CrossingForecast.Forecast
        var isWithdrawn: Bool
    }

    /// Windows over which the slope is taken: single errors vary much more than their mean.
    private static let windows = 10

    private let patience: Int
    private var machine: CrossingForecast
    private var before: DecayForecast.Record
    private var said: CrossingForecast.Forecast?
    private var since = 0
    private var without = 0

    /// - Parameters:
    ///   - window: Samples between two sayings at least.
    ///   - previous: Of the champion before, whose books are kept on.
    init(threshold: Double, window: Int, previous: Outlook?) {
        patience = window
        machine = CrossingForecast(threshold: threshold, memory: Double(max(64, Self.windows * window)))
        before = previous?.record ?? DecayForecast.Record(settled: 0, right: 0, crossings: 0, foreseen: 0)
        since = window
    }

    /// The forecast in force.
    var forecast: CrossingForecast.Forecast? { machine.forecast }

    /// How all forecasts came out.
    var record: DecayForecast.Record {
        let own = machine.record
        return DecayForecast.Record(
            settled: before.settled + own.settled,
            right: before.right + own.right,
            crossings: before.crossings + own.crossings,
            foreseen: before.foreseen + own.foreseen
        )
    }

    /// - Parameter isInEpisode: Whether what would be forecast has come already.
    mutating func add(_ error: Double, isInEpisode: Bool) -> Saying? {
        let forecast = machine.add(error)
        since += 1
        without = forecast == nil ? without + 1 : 0
        if isInEpisode {
            said = nil
            return nil
        }
        guard let last = said else {
            guard let forecast, since >= patience else { return nil }
            return say(forecast)
        }
        if let forecast {
            let left = Double(max(1, last.samples - since))
            let ratio = Double(forecast.samples) / left
            guard since >= patience, ratio > 2 || ratio < 0.5 else { return nil }
            return say(forecast)
        }
        guard without >= patience else { return nil }
        said = nil
        since = 0
        return Saying(forecast: last, isWithdrawn: true)
    }

    private mutating func say(_ forecast: CrossingForecast.Forecast) -> Saying {
        said = forecast
        since = 0
        return Saying(forecast: forecast, isWithdrawn: false)
    }
}
