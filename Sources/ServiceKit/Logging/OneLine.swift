/// Errors for people, on one line.
enum OneLine {
    static let charactersMax = 1_000

    static func describe(_ error: any Error) -> String {
        String("\(error)".split(whereSeparator: \.isNewline).joined(separator: "; ").prefix(charactersMax))
    }
}
