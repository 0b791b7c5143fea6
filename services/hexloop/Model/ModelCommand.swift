import ArgumentParser

struct ModelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model",
        abstract: "Reads, converts, runs and measures models.",
        subcommands: [
            ModelInfoCommand.self, ModelRunCommand.self, ModelBenchCommand.self, ModelProfileCommand.self,
            ModelMakeCommand.self, ModelConvertCommand.self, ModelCompareCommand.self, ModelDiffCommand.self,
            ModelEmitHexagonCommand.self, ModelCheckCommand.self, ModelConformanceCommand.self,
            ModelOfferCommand.self,
            ModelAccuracyCommand.self,
        ]
    )
}
