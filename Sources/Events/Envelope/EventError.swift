/// An event that cannot be read or written; `code` is stable, `message` is for people.
public struct EventError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong.
    public let code: ErrorCode
    /// One sentence that names the field and the way out.
    public let message: String

    /// An error with its reason.
    public init(_ code: ErrorCode, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message alone; whoever prints it adds the code where it helps.
    public var description: String { message }
}
