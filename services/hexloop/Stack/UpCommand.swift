import ArgumentParser

struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Runs every program on this machine until Ctrl-C."
    )

    @OptionGroup var options: PlaceOptions

    @Option(help: "Inference nodes.")
    var nodes = 1

    @Option(help: "The gateway's HTTP port.")
    var gatewayPort = 8080

    @Flag(help: "Leave errors of the programs in their log files.")
    var quiet = false

    func validate() throws {
        guard (1...64).contains(nodes) else { throw ValidationError("--nodes is 1...64.") }
        guard (1...65_535).contains(gatewayPort) else { throw ValidationError("--gateway-port is 1...65535.") }
    }

    func run() async throws {
        let place = try options.place()
        let terminal = Terminal()
        let isQuiet = quiet
        let stack = Stack(
            place: place,
            nodes: nodes,
            gatewayPort: gatewayPort,
            terminal: terminal,
            followedLogs: { _ in !isQuiet }
        )
        terminal.line("data in \(place.data), bus at \(place.bus), logs in \(place.logDirectory)")
        do {
            try await stack.run { supervisor in
                try await stack.showReady(supervisor)
                terminal.line("gateway at http://127.0.0.1:\(gatewayPort)/status; Ctrl-C stops")
                while !Task.isCancelled { try await Task.sleep(for: .seconds(3600)) }
            }
        } catch is Stack.Interrupted {
            terminal.line("stopped")
        }
    }
}
