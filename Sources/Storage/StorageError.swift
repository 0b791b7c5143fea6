import Glibc

/// A store or a file that cannot be opened or used.
public struct StorageError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What a program does differently.
    public enum Kind: Sendable, Hashable {
        /// There is no room; it may work when there is again.
        case full
        /// Bytes do not have the digest that they go by.
        case mismatch
        /// Anything else.
        case other
    }

    /// Names the file, the reason and the way out.
    public let message: String
    /// What a program does differently.
    public let kind: Kind

    /// An error with its reason.
    public init(_ message: String, kind: Kind = .other) {
        self.message = message
        self.kind = kind
    }

    /// A failed call of the operating system, from `errno`.
    init(_ operation: String, _ path: String, code: Int32 = errno) {
        let isFull = [ENOSPC, EDQUOT, EFBIG].contains(code)
        let wayOut = isFull ? "; make room and try again, what is there is kept" : ""
        self.init(
            "cannot \(operation) \(path): \(String(cString: strerror(code)))\(wayOut)",
            kind: isFull ? .full : .other
        )
    }

    /// The message.
    public var description: String { message }
}
