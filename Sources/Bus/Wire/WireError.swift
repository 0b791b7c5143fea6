public import Events

/// Frames that break the wire format; the answer to them is ERR or NAK with this code.
public struct WireError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The code that goes on the wire.
    public let code: ErrorCode
    /// Names the frame and what was expected.
    public let message: String

    /// An error with its reason.
    public init(_ code: ErrorCode, _ message: String) {
        self.code = code
        self.message = message
    }

    /// Code and message.
    public var description: String { "\(code.rawValue): \(message)" }
}
