import ArgumentParser

struct ModelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model",
        abstract: "Looks into model containers, runs and measures them.",
        subcommands: [
            ModelInfoCommand.self, ModelRunCommand.self, ModelBenchCommand.self, ModelProfileCommand.self,
            ModelMakeCommand.self, ModelConvertCommand.self, ModelCompareCommand.self, ModelDiffCommand.self,
            ModelEmitHexagonCommand.self, ModelCheckCommand.self, ModelConformanceCommand.self,
            ModelOfferCommand.self,
        ]
    )
}
