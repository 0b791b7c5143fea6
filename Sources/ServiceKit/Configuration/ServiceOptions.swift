public import ArgumentParser

/// The command-line options every service has.
///
/// A command takes them with `@OptionGroup var options: ServiceOptions` and hands them to ``Settings``.
public struct ServiceOptions: ParsableArguments, Sendable {
    /// The YAML file with the settings of the service; none means environment and defaults only.
    @Option(name: .customLong("config"), help: ArgumentHelp("A YAML file with settings.", valueName: "file"))
    public var configurationFile: String?

    /// Settings in the form `key=value`, in the order given; the last one for a key wins.
    @Option(
        name: .customLong("set"),
        help: ArgumentHelp("One setting; goes before the environment and the file. Repeatable.", valueName: "key=value")
    )
    public var assignments: [String] = []

    /// The lowest level that is logged; short for `--set log.level=LEVEL`.
    @Option(
        name: .customLong("log-level"),
        help: ArgumentHelp("trace, debug, info, notice, warning, error or critical.", valueName: "level")
    )
    public var logLevel: String?

    /// Creates options that hold nothing.
    public init() {}

    /// Creates options without a command line, as a program does that starts a service inside itself.
    ///
    /// - Parameters:
    ///   - configurationFile: The path of a YAML file.
    ///   - assignments: Settings in the form `key=value`.
    ///   - logLevel: The lowest level that is logged.
    public init(configurationFile: String?, assignments: [String] = [], logLevel: String? = nil) {
        self.configurationFile = configurationFile
        self.assignments = assignments
        self.logLevel = logLevel
    }
}
