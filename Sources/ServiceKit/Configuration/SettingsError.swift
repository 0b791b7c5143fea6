/// Why a service cannot start with its settings. The description is one line and says what to do.
public enum SettingsError: Error, Equatable {
    /// The file of `--config` cannot be opened or is too large.
    case unreadableFile(path: String, reason: String)
    /// The file of `--config` is not a YAML mapping.
    case malformedFile(path: String, reason: String)
    /// An argument of `--set` is not of the form `key=value`.
    case malformedAssignment(String)
    /// The service has no setting of this name; `suggestion` is the most similar one.
    case unknownKey(String, source: Settings.Source, suggestion: String?)
    /// No source has a value and the service declares no default.
    case missing(key: String)
    /// The value cannot be read as what is expected.
    case malformed(key: String, value: String, expected: String, source: Settings.Source)
    /// The value can be read but is not allowed.
    case outOfRange(key: String, value: String, allowed: String, source: Settings.Source)
}

extension SettingsError: CustomStringConvertible {
    /// What is wrong, where, and the way out.
    public var description: String {
        switch self {
        case .unreadableFile(let path, let reason):
            "The settings file \(path) cannot be read: \(reason). Check the path given with --config."
        case .malformedFile(let path, let reason):
            "The settings file \(path) is not usable YAML: \(reason). Correct it; keys stand at the left, values after a colon."
        case .malformedAssignment(let argument):
            "--set \(argument) is not of the form key=value. Write for example --set log.level=debug."
        case .unknownKey(let key, let source, let suggestion):
            "There is no setting \(key) (\(source.name(of: key))). "
                + (suggestion.map { "Did you mean \($0)?" } ?? "Remove it or correct its name.")
        case .missing(let key):
            "The setting \(key) has no value. Give it with --set \(key)=VALUE, "
                + "the environment variable \(Settings.environmentName(for: key)), or in the file of --config."
        case .malformed(let key, let value, let expected, let source):
            "The setting \(key) is \"\(value)\" (\(source.name(of: key))) but must be \(expected). Correct it there."
        case .outOfRange(let key, let value, let allowed, let source):
            "The setting \(key) is \(value) (\(source.name(of: key))) but must lie in \(allowed). Correct it there."
        }
    }
}

extension Settings.Source {
    func name(of key: String) -> String {
        switch self {
        case .assignment: "from the command line"
        case .environment: "from \(Settings.environmentName(for: key))"
        case .file(let path): "in \(path)"
        case .defaults: "the default"
        }
    }
}
