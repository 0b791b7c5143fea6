import Bus
import Membership
import ServiceKit

/// The broker's settings, beside those of every program; the log lies in `<data>/bus`.
///
/// - `log.retention.age` (duration of at least 1m, default empty: for ever): records that are older may go.
/// - `log.retention.bytes` (int, default 0: no limit): while the log holds more, its oldest records may go. What a durable
///   consumer or a work group has not had stays.
/// - `log.bytes.max` (int, default 0: the disk): while the log holds more, events are refused with `full`.
/// - `access.file` (path, default none): who may connect, and what each may do. Over TCP it is needed, with `bus.key`;
///   it is read again when it changes.
/// - `access.open` (bool, default false): over TCP without keys, everybody who reaches the broker may do everything.
/// - `limit.messages` (int, default 200000, range 1...100000000): messages that one identity may send in a second.
/// - `limit.megabytes` (int, default 512, range 1...1000000): MiB that one identity may send in a second.
struct BusConfiguration: Sendable {
    let directory: String
    let address: BusAddress
    let site: String
    let access: AccessSettings
    let rates: RateLimits

    let retention: Retention

    static let defaults = MemberConfiguration.defaults.merging(AccessSettings.defaults) { $1 }.merging([
        "log.retention.age": "", "log.retention.bytes": 0, "log.bytes.max": 0, "limit.messages": 200_000,
        "limit.megabytes": 512,
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
        access = try AccessSettings(settings, address: member.bus, keyPath: member.keyPath)
        rates = RateLimits(
            messagesPerSecondMax: try settings.int("limit.messages", in: 1...100_000_000),
            bytesPerSecondMax: try settings.int("limit.megabytes", in: 1...1_000_000) << 20
        )
    }
}
