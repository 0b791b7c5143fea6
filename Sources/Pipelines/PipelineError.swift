/// Why a pipeline file was refused: where, what stood there, and what would have been accepted.
public struct PipelineError: Error, Codable, Sendable, Hashable, CustomStringConvertible {
    /// Kinds of refusal.
    public enum Code: String, Codable, Sendable, Hashable, CaseIterable {
        /// The text is no YAML (or JSON) document that a pipeline file may be.
        case syntax
        /// A key that no pipeline file has.
        case unknownKey = "unknown-key"
        /// A key that must be there is not.
        case missingKey = "missing-key"
        /// A list where a number belongs, a text where a mapping belongs.
        case wrongType = "wrong-type"
        /// The right type, but a value that is not accepted.
        case notAllowed = "not-allowed"
        /// Each value is fine, but two of them contradict each other.
        case conflict
    }

    /// Kind of refusal.
    public var code: Code
    /// Where, such as `train.hidden[1]`; empty for the whole document.
    public var path: String
    /// What stood there, cut to a readable length; nil when nothing did.
    public var value: String?
    /// What would have been accepted, in words.
    public var allowed: String
    /// The nearest accepted word, when one is near.
    public var suggestion: String?
    /// Line in the file, from 1; nil when unknown.
    public var line: Int?

    /// `line 5: train.los: unknown key; allowed: kind, hidden, loss; did you mean "loss"?`
    public var description: String {
        let place = (line.map { "line \($0): " } ?? "") + (path.isEmpty ? "" : "\(path): ")
        let what =
            switch code {
            case .syntax: value ?? "no document"
            case .unknownKey: "unknown key"
            case .missingKey: "missing"
            case .wrongType, .notAllowed: "\(value ?? "nothing") is not accepted"
            case .conflict: "\(value ?? "nothing") contradicts the rest of the file"
            }
        return place + what + (allowed.isEmpty ? "" : "; allowed: \(allowed)")
            + (suggestion.map { "; did you mean \"\($0)\"?" } ?? "")
    }

    init(
        _ code: Code,
        _ path: String,
        value: String? = nil,
        allowed: String,
        suggestion: String? = nil,
        line: Int? = nil
    ) {
        self.code = code
        self.path = path
        self.value = value.map { $0.count > 80 ? $0.prefix(80) + "..." : $0 }
        self.allowed = allowed
        self.suggestion = suggestion
        self.line = line
    }
}

/// Why one observation was refused: which feature, which value, which limit.
public struct FeatureError: Error, Codable, Sendable, Hashable, CustomStringConvertible {
    /// Kinds of refusal.
    public enum Code: String, Codable, Sendable, Hashable, CaseIterable {
        /// The observation lacks a feature.
        case missing
        /// The observation has a feature that the pipeline does not know.
        case unknown
        /// The feature has the wrong number of elements.
        case count
        /// An element is NaN, infinite, or too large for a 32-bit float.
        case notFinite = "not-finite"
        /// An element is below the smallest accepted value.
        case belowMin = "below-min"
        /// An element is above the largest accepted value.
        case aboveMax = "above-max"
    }

    /// Kind of refusal.
    public var code: Code
    /// Name of the feature.
    public var feature: String
    /// Element of the feature, from 0; nil when the whole feature is refused.
    public var element: Int?
    /// What was sent, as text: a number, a count, or nil when nothing was.
    public var value: String?
    /// What is accepted, in words.
    public var limit: String

    /// `price[3]: 900.0 is refused; accepted: at most 500.0`
    public var description: String {
        let place = feature + (element.map { "[\($0)]" } ?? "")
        return switch code {
        case .missing: "\(place): missing; accepted: \(limit)"
        case .unknown: "\(place): unknown feature; accepted: \(limit)"
        case .count: "\(place): \(value ?? "0") elements are refused; accepted: \(limit)"
        case .notFinite, .belowMin, .aboveMax: "\(place): \(value ?? "nothing") is refused; accepted: \(limit)"
        }
    }
}
