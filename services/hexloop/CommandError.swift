/// Why a command could not do its work: one sentence that names the thing and the way out.
struct CommandError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
