import ArgumentParser
import BusSimulation
import Conformance

extension HVXCommand {
    struct Depth: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Compares all implementations behind each layer of a deep network.",
            discussion: """
                A network with random weights is quantized as the converter does it, and runs on the definition in HVX \
                instructions, on the plain formulas and on every variant that this machine can run, each on what it \
                computed itself. A row is printed for each layer: how many bytes differ from the definition; how far a \
                simulation in 32-bit floats is from it, and the network before it was quantized, both as mean absolute \
                and mean squared difference. Ends with 1 when a byte differs.
                """
        )

        @Option(help: "Layers, 1...1000.")
        var layers = 29

        @Option(help: "Channels of every layer, 1...1024.")
        var channels = 64

        @Option(help: "Height and width of the map, 1...512.")
        var size = 16

        @Option(help: "Where the weights come from.")
        var seed: UInt64 = 1

        func validate() throws {
            guard (1...1000).contains(layers) else { throw ValidationError("--layers is 1...1000.") }
            guard (1...1024).contains(channels) else { throw ValidationError("--channels is 1...1024.") }
            guard (1...512).contains(size) else { throw ValidationError("--size is 1...512.") }
        }

        func run() async throws {
            let terminal = Terminal()
            var random = SeededGenerator(seed: seed)
            let chain = try DepthChain(layers: layers, channels: channels, size: size, using: &random)
            let depths = try chain.compare()
            let names = depths.first?.differing.map(\.implementation) ?? []
            let titles = ["layers", "bytes"] + names + ["simulation", "squared", "float", "squared"]
            terminal.line("| \(titles.joined(separator: " | ")) |")
            terminal.line("|\(String(repeating: "---:|", count: titles.count))")
            for depth in depths {
                let numbers =
                    [depth.depth, depth.byteCount].map(String.init) + depth.differing.map { "\($0.bytes)" }
                    + [depth.simulation, depth.unquantized].flatMap { [$0.mean.fixed(6), $0.meanSquare.fixed(6)] }
                terminal.line("| \(numbers.joined(separator: " | ")) |")
            }
            guard depths.allSatisfy({ $0.differing.allSatisfy { $0.bytes == 0 } }) else { throw ExitCode.failure }
        }
    }
}
