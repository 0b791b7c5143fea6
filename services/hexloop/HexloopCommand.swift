import ArgumentParser

@main
struct HexloopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hexloop",
        abstract: "Runs the loop, and asks and tells it things.",
        subcommands: [
            UpCommand.self, DemoCommand.self, TailCommand.self, PublishCommand.self, PipelineCommand.self,
            LapsCommand.self, HistoryCommand.self, StatusCommand.self, ModelCommand.self, KeysCommand.self,
            ReplayCommand.self, HistoryLoadCommand.self, HealthCommand.self, InferCommand.self, OperatorCommand.self,
            BenchCommand.self, SimulateCommand.self, ArtifactCommand.self, ChaosCommand.self, ChaosClientCommand.self,
            HVXCommand.self, DecayCommand.self, AlertCommand.self, MonitorCommand.self, TrainCommand.self,
        ]
    )
}
