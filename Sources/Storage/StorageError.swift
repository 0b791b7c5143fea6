/// A store that cannot be opened or used.
public struct StorageError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Names the file, the reason and the way out.
    public let message: String

    /// An error with its reason.
    public init(_ message: String) { self.message = message }

    /// The message.
    public var description: String { message }
}
