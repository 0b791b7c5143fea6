extension Settings {
    /// What a service declares for one of its keys; literals can be written as they are.
    public enum Default: Sendable, Equatable {
        /// The value used when no other source has the key, written as on the command line.
        case text(String)
        /// There is no default: the service does not start without a value.
        case required

        var text: String? {
            switch self {
            case .text(let text): text
            case .required: nil
            }
        }
    }

    /// Where a value came from.
    public enum Source: Sendable, Equatable {
        /// `--set key=value` or `--log-level`.
        case assignment
        /// An environment variable.
        case environment
        /// The YAML file at this path.
        case file(String)
        /// The defaults of the service.
        case defaults
    }
}

extension Settings.Default: ExpressibleByStringLiteral {
    /// Creates a default from a text.
    public init(stringLiteral value: String) { self = .text(value) }
}

extension Settings.Default: ExpressibleByIntegerLiteral {
    /// Creates a default from a whole number.
    public init(integerLiteral value: Int) { self = .text(String(value)) }
}

extension Settings.Default: ExpressibleByFloatLiteral {
    /// Creates a default from a number.
    public init(floatLiteral value: Double) { self = .text(String(value)) }
}

extension Settings.Default: ExpressibleByBooleanLiteral {
    /// Creates a default from a truth value.
    public init(booleanLiteral value: Bool) { self = .text(String(value)) }
}
