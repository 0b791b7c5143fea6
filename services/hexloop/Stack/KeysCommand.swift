import ArgumentParser

struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "The key pair that signs models.",
        subcommands: [Initialize.self]
    )

    struct Initialize: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "init",
            abstract: "Makes the key pair when it is missing."
        )

        @OptionGroup var options: PlaceOptions

        @Argument(help: "Where signing.key and signing.pub are. (default: <data>/keys)")
        var directory: String?

        func run() async throws {
            let directory = try directory.map(Place.absolute) ?? options.place().keyDirectory
            let keys = try KeyPair.ensure(in: directory)
            Terminal().line("\(keys.isNew ? "made" : "found") key \(keys.keyID) in \(directory)")
        }
    }
}
