public import Logging

/// Sends the log of the process to standard error, one line per event.
public enum LogOutput {
    /// How a line is written.
    public enum Format: String, Sendable, CaseIterable {
        /// `2026-07-01T10:00:00.000Z info     bus Started process.id=12`: for people.
        case text
        /// `{"time":…,"level":…,"service":…,"message":…,"metadata":{…}}`: for log collectors.
        case json
    }

    /// Makes every `Logger` created from now on write to standard error; its label is the service's name.
    ///
    /// May be called once per process, before the first logger is created.
    ///
    /// - Parameters:
    ///   - level: The lowest level that is written.
    ///   - format: How a line is written.
    public static func bootstrap(level: Logger.Level, format: Format) {
        LoggingSystem.bootstrap { label in
            LineLogHandler(service: label, level: level, format: format)
        }
    }

    /// Makes every `Logger` created from now on write to standard error as the settings `log.level` and `log.format` say.
    ///
    /// May be called once per process, before the first logger is created.
    ///
    /// - Parameter settings: The settings of the service.
    public static func bootstrap(_ settings: Settings) {
        bootstrap(level: settings.logLevel, format: settings.logFormat)
    }
}
