import Events
import Pipelines

/// The rows that an offered model is calibrated on, and the data sets that it is judged on. Pure.
struct OfferedData: Sendable {
    /// A data set: one that is in the registry's store, or one that is to be put there.
    enum DataSet: Sendable {
        case stored(String)
        case new(OfferedRows)
    }

    let calibration: OfferedRows
    let recent: DataSet
    let parity: DataSet
    let frozen: DataSet

    /// The pipeline's own rows, from its newest run.
    struct Own: Sendable {
        let run: TrainingCompleted
        let calibration: OfferedRows
        let parity: OfferedRows
    }

    /// - Parameters:
    ///   - given: The rows that came with the offer.
    ///   - own: The pipeline's; nil when nothing was trained yet, or its rows had other inputs then.
    /// - Throws: `EventError` `tooFewRows` when there is nothing to calibrate on.
    init(given: OfferedRows?, own: Own?, _ pipeline: Pipeline) throws(EventError) {
        guard let rows = given ?? own?.calibration else {
            throw EventError(
                .tooFewRows,
                "there are no rows to calibrate on: pipeline '\(pipeline.name)' was not trained here yet and none came "
                    + "with the offer; give 'calibration', rows such as the model will meet"
            )
        }
        if let given {
            calibration = given.sampled(pipeline.quantize.calibrationRows)
        } else {
            // The newest rows too: the model was made for the world as it is.
            calibration = own.map { $0.calibration.joined($0.parity) } ?? rows
        }
        if let given, given.labels != nil {
            (recent, parity) = (.new(given), .new(given))
            frozen = own.map { .stored($0.run.frozen) } ?? .new(given)
        } else if let own {
            (recent, parity, frozen) = (.stored(own.run.recent), .stored(own.run.parity), .stored(own.run.frozen))
        } else {
            (recent, parity, frozen) = (.new(rows), .new(rows), .new(rows))
        }
    }
}
