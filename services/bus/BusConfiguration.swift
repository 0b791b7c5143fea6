import Bus
import Membership
import ServiceKit

/// The broker's settings: those of every program; the log lies in `<data>/bus`.
struct BusConfiguration: Sendable {
    let directory: String
    let address: BusAddress
    let site: String

    static let defaults = MemberConfiguration.defaults

    init(_ member: MemberConfiguration) {
        directory = "\(member.data)/bus"
        address = member.bus
        site = member.site
    }
}
