import Bus
import Membership
import ServiceKit

/// The broker's settings, beside those of every program; the log lies in `<data>/bus`.
///
/// - `log.retention.age` (duration of at least 1m, default empty: for ever): records that are older may go.
/// - `log.retention.bytes` (int, default 0: no limit): while the log holds more, its oldest records may go. What a durable
///   consumer or a work group has not had stays.
/// - `log.bytes.max` (int, default 0: the disk): while the log holds more, events are refused with `full`.
struct BusConfiguration: Sendable {
    let directory: String
    let address: BusAddress
    let site: String

    let retention: Retention

    static let defaults = MemberConfiguration.defaults.merging([
        "log.retention.age": "", "log.retention.bytes": 0, "log.bytes.max": 0,
    ]) { $1 }

    private static let bytesRange = 0...(1 << 50)

    init(_ member: MemberConfiguration, _ settings: Settings) throws {
        let hasAge = try !settings.string("log.retention.age").isEmpty
        let bytes = try settings.int("log.retention.bytes", in: Self.bytesRange)
        let bytesMax = try settings.int("log.bytes.max", in: Self.bytesRange)
        guard bytesMax == 0 || bytesMax > bytes else {
            throw ConfigurationError(
                "log.bytes.max \(bytesMax) must be above log.retention.bytes \(bytes), or nothing would ever be trimmed "
                    + "in time"
            )
        }
        retention = Retention(
            age: hasAge ? try settings.duration("log.retention.age", in: .seconds(60)...Settings.durationMax) : nil,
            bytes: bytes == 0 ? nil : bytes,
            bytesMax: bytesMax == 0 ? nil : bytesMax
        )
        directory = "\(member.data)/bus"
        address = member.bus
        site = member.site
    }
}
