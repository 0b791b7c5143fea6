import FoundationEssentials
import Logging

/// Turns log events into lines for a sink.
struct LineLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    var logLevel: Logger.Level

    private let service: String
    private let format: LogOutput.Format
    private let now: @Sendable () -> Date
    private let sink: @Sendable (String) -> Void

    init(
        service: String,
        level: Logger.Level,
        format: LogOutput.Format,
        now: @escaping @Sendable () -> Date = { Date() },
        sink: @escaping @Sendable (String) -> Void = StandardError.write
    ) {
        self.service = service
        self.logLevel = level
        self.format = format
        self.now = now
        self.sink = sink
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var all = metadata
        if let provided = metadataProvider?.get() {
            all.merge(provided) { _, later in later }
        }
        if let ofEvent = event.metadata {
            all.merge(ofEvent) { _, later in later }
        }
        if let error = event.error {
            all["error.message"] = "\(OneLine.describe(error))"
        }
        let line = LogLine(
            time: now(),
            level: event.level,
            service: service,
            message: event.message.description,
            fields: LogLine.fields(of: all)
        )
        sink(format == .json ? line.json : line.text)
    }
}

/// One log event, ready to be written.
struct LogLine {
    let time: Date
    let level: Logger.Level
    let service: String
    let message: String
    /// Dotted keys with their values, sorted by key.
    let fields: [(key: String, value: String)]

    /// The line for people: a value with blanks is quoted, a line break is written as `\n`.
    var text: String {
        let level = level.rawValue.padded(to: Self.levelWidth)
        var line = "\(timestamp) \(level) \(service) \(message.contains(where: \.isNewline) ? message.quoted : message)"
        for (key, value) in fields {
            line += " \(key)=\(value.isBare ? value : value.quoted)"
        }
        return line
    }

    /// The line for log collectors.
    var json: String {
        let metadata = fields.map { "\($0.key.quoted):\($0.value.quoted)" }.joined(separator: ",")
        return "{\"time\":\(timestamp.quoted),\"level\":\(level.rawValue.quoted),\"service\":\(service.quoted),"
            + "\"message\":\(message.quoted),\"metadata\":{\(metadata)}}"
    }

    private static let levelWidth = 8

    private var timestamp: String {
        time.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }

    /// Writes nested metadata with dotted keys, sorted.
    static func fields(of metadata: Logger.Metadata, prefix: String = "") -> [(key: String, value: String)] {
        var fields: [(key: String, value: String)] = []
        for (key, value) in metadata {
            switch value {
            case .dictionary(let nested):
                fields += Self.fields(of: nested, prefix: "\(prefix)\(key).")
            case .string, .stringConvertible, .array:
                fields.append((prefix + key, value.description))
            }
        }
        return fields.sorted { $0.key < $1.key }
    }
}

extension String {
    /// The text as a JSON string, which never spans lines.
    var quoted: String {
        var result = "\""
        for scalar in unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\u{2028}", "\u{2029}", "\u{85}", "\u{7F}"..."\u{9F}", "\u{00}"..."\u{1F}":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    fileprivate var isBare: Bool {
        !isEmpty && unicodeScalars.allSatisfy { $0.value > 0x20 && $0 != "\"" && $0 != "=" && $0.value < 0x7F }
    }

    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
