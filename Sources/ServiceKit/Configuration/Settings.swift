import Configuration
import FoundationEssentials
public import Logging

/// The settings of one service, looked up by dotted keys.
///
/// Four sources are asked in this order, and the first that has the key gives the value:
/// 1. `--set key=value`;
/// 2. the environment: `bus.endpoint` is `HEXLOOP_BUS_ENDPOINT` (an empty variable counts as not set);
/// 3. the YAML file of `--config`;
/// 4. the defaults the service declares.
///
/// The defaults are also the list of keys that exist, so a misspelt key in a file or in `--set` stops the start instead
/// of being ignored. The environment is shared by all services and is not checked that way. A value that cannot be read
/// is an error as well and never falls through to the next source.
///
/// Every service also has these keys:
/// - `log.level` (string, default info): the lowest level that is logged.
/// - `log.format` (string, default text): `text` or `json`.
///
/// ```swift
/// let settings = try Settings(options: options, defaults: ["bus.endpoint": .required, "window.samples": 1000])
/// let samples = try settings.int("window.samples", in: 100...1_000_000)
/// ```
public struct Settings: Sendable {
    /// The lowest level that is logged.
    public let logLevel: Logger.Level
    /// How log lines are written.
    public let logFormat: LogOutput.Format

    private let defaults: [String: Default]
    private let sources: [(source: Source, snapshot: any ConfigSnapshot)]
    private let reader: ConfigReader

    /// What environment variables of Hexloop begin with.
    public static let environmentPrefix = "HEXLOOP_"
    /// The longest duration a setting may hold unless the read names another range: one year.
    public static let durationMax = Duration.seconds(366 * 86_400)

    /// The environment of this process.
    public static var processEnvironment: [String: String] { ProcessInfo.processInfo.environment }

    private static let commonDefaults: [String: Default] = ["log.level": "info", "log.format": "text"]

    /// Collects the sources and checks their keys.
    ///
    /// Values are read once, here and in the reads that follow; later changes of the file or the environment are not
    /// seen.
    ///
    /// - Parameters:
    ///   - options: What the command line gave.
    ///   - defaults: Every key of the service with its default. A key holds lowercase letters, digits, dots and hyphens;
    ///     two keys may not map to one environment variable.
    ///   - environment: The environment variables.
    /// - Throws: ``SettingsError`` when the file cannot be read, a key is unknown, or an assignment has no `=`.
    public init(
        options: ServiceOptions,
        defaults: [String: Default],
        environment: [String: String] = Settings.processEnvironment
    ) throws(SettingsError) {
        let known = Self.commonDefaults.merging(defaults) { _, ofService in ofService }
        Self.checkNames(known.keys)
        self.defaults = known

        var assigned = try Self.assignments(options.assignments, known: known)
        if let level = options.logLevel {
            assigned["log.level"] = level
        }
        var inEnvironment: [String: String] = [:]
        for key in known.keys {
            guard let value = environment[Self.environmentName(for: key)], !value.isEmpty else { continue }
            inEnvironment[key] = value
        }

        var sources: [(source: Source, snapshot: any ConfigSnapshot)] = [
            (.assignment, TextSnapshot(providerName: "--set", texts: assigned)),
            (.environment, TextSnapshot(providerName: "environment", texts: inEnvironment)),
        ]
        if let path = options.configurationFile, let file = try ConfigurationFile(path: path) {
            for key in file.keys.sorted() where known[key] == nil {
                throw Self.unknown(key, in: .file(path), known: known)
            }
            sources.append((.file(path), file.snapshot))
        }
        sources.append((.defaults, TextSnapshot(providerName: "defaults", texts: known.compactMapValues(\.text))))
        self.sources = sources
        self.reader = ConfigReader(providers: sources.map { SnapshotProvider(fixed: $0.snapshot) })

        let text = Lookup(reader: reader, sources: sources, defaults: known)
        self.logLevel = try text.choice("log.level")
        self.logFormat = try text.choice("log.format")
    }

    // MARK: Reads

    /// Reads a string.
    ///
    /// - Parameter key: One of the declared keys.
    /// - Returns: The value of the first source that has the key.
    /// - Throws: ``SettingsError/missing(key:)``, or ``SettingsError/malformed(key:value:expected:source:)`` when a file
    ///   holds a list there.
    public func string(_ key: String) throws(SettingsError) -> String {
        try lookup.read(key, expected: "text") { try reader.requiredString(forKey: $0) }
    }

    /// Reads a string that must be one of a few words.
    ///
    /// - Parameters:
    ///   - key: One of the declared keys.
    ///   - choices: The words allowed, written as they must be.
    /// - Returns: One of `choices`.
    /// - Throws: ``SettingsError`` when there is no value or another word.
    public func string(_ key: String, oneOf choices: [String]) throws(SettingsError) -> String {
        try lookup.string(key, oneOf: choices)
    }

    /// Reads a list of strings: a YAML sequence, or in other sources words with commas between them.
    ///
    /// - Parameter key: One of the declared keys.
    /// - Returns: The words without surrounding blanks; empty for an empty text.
    /// - Throws: ``SettingsError`` when there is no value or it is no list.
    public func strings(_ key: String) throws(SettingsError) -> [String] {
        try lookup.read(key, expected: "a list") { try reader.requiredStringArray(forKey: $0) }
    }

    /// Reads a whole number.
    ///
    /// - Parameters:
    ///   - key: One of the declared keys.
    ///   - range: The numbers allowed.
    /// - Returns: A number inside `range`.
    /// - Throws: ``SettingsError`` when there is no value, it is no whole number, or it lies outside.
    public func int(_ key: String, in range: ClosedRange<Int>) throws(SettingsError) -> Int {
        let value = try lookup.read(key, expected: "a whole number") { try reader.requiredInt(forKey: $0) }
        return try lookup.check(value, key, in: range)
    }

    /// Reads a number.
    ///
    /// - Parameters:
    ///   - key: One of the declared keys.
    ///   - range: The numbers allowed; without it every finite number is.
    /// - Returns: A finite number inside `range`.
    /// - Throws: ``SettingsError`` when there is no value, it is no number, or it lies outside.
    public func double(
        _ key: String,
        in range: ClosedRange<Double> = -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude
    ) throws(SettingsError) -> Double {
        let value = try lookup.read(key, expected: "a number") { try reader.requiredDouble(forKey: $0) }
        return try lookup.check(value, key, in: range)
    }

    /// Reads a truth value: `true`, `yes`, `on` or `false`, `no`, `off`; outside of YAML also `1` and `0`.
    ///
    /// - Parameter key: One of the declared keys.
    /// - Returns: The truth value.
    /// - Throws: ``SettingsError`` when there is no value or it is another word.
    public func bool(_ key: String) throws(SettingsError) -> Bool {
        try lookup.read(key, expected: "true or false") { try reader.requiredBool(forKey: $0) }
    }

    /// Reads a duration: a number with one of the units `us`, `ms`, `s`, `m`, `h`, `d`, such as `500ms` or `1.5h`.
    ///
    /// - Parameters:
    ///   - key: One of the declared keys.
    ///   - range: The durations allowed; without it zero to ``durationMax``.
    /// - Returns: A duration inside `range`.
    /// - Throws: ``SettingsError`` when there is no value, the unit is missing, or it lies outside.
    public func duration(
        _ key: String,
        in range: ClosedRange<Duration> = .zero...Settings.durationMax
    ) throws(SettingsError) -> Duration {
        let expected = "a duration with its unit (us, ms, s, m, h, d), such as 500ms or 30s"
        let text = try lookup.read(key, expected: expected) { try reader.requiredString(forKey: $0) }
        guard let value = Duration(settingText: text) else {
            throw lookup.malformed(key, value: text, expected: expected)
        }
        return try lookup.check(value, key, in: range)
    }

    private var lookup: Lookup { Lookup(reader: reader, sources: sources, defaults: defaults) }

    // MARK: Names

    /// The environment variable of a key.
    ///
    /// - Parameter key: A key such as `bus.endpoint`.
    /// - Returns: The name, such as `HEXLOOP_BUS_ENDPOINT`.
    public static func environmentName(for key: String) -> String {
        environmentPrefix + String(key.uppercased().map { $0.isLetter || $0.isNumber ? $0 : "_" })
    }

    private static func checkNames(_ keys: some Collection<String>) {
        let allowed: Set<Character> = Set("abcdefghijklmnopqrstuvwxyz0123456789.-")
        for key in keys {
            precondition(
                !key.isEmpty && key.allSatisfy(allowed.contains),
                "The setting \(key) may hold lowercase letters, digits, dots and hyphens only"
            )
        }
        precondition(
            Set(keys.map(environmentName)).count == keys.count,
            "Two settings map to the same environment variable"
        )
    }

    private static func assignments(
        _ arguments: [String],
        known: [String: Default]
    ) throws(SettingsError) -> [String: String] {
        var assigned: [String: String] = [:]
        for argument in arguments {
            guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else {
                throw .malformedAssignment(argument)
            }
            let key = String(argument[..<equals])
            guard known[key] != nil else {
                throw unknown(key, in: .assignment, known: known)
            }
            assigned[key] = String(argument[argument.index(after: equals)...])
        }
        return assigned
    }

    private static func unknown(_ key: String, in source: Source, known: [String: Default]) -> SettingsError {
        .unknownKey(key, source: source, suggestion: Spelling.closest(to: key, among: known.keys))
    }
}
