public import Events

/// A call on the bus that did not succeed.
public struct BusError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Stable code, as on the wire.
    public let code: ErrorCode
    /// One sentence for people.
    public let message: String

    /// An error with its reason.
    public init(_ code: ErrorCode, _ message: String) {
        self.code = code
        self.message = message
    }

    init(_ refusal: Refusal) { self.init(refusal.code, refusal.message) }

    /// Whether the same call may succeed later.
    public var isRetriable: Bool { [.timeout, .busy, .full, .rehello, .storage].contains(code) }

    /// Code and message.
    public var description: String { "\(code.rawValue): \(message)" }
}
