/// What one gate said about a candidate.
public struct GateResult: Codable, Sendable, Hashable {
    /// `recent`, `frozen`, `quantization` or `golden`.
    public var gate: String
    /// One gate that is not passed rejects the candidate.
    public var passed: Bool
    /// The metric for `recent` and `frozen`, the share that int8 is worse, or how many golden answers are equal.
    public var value: Double
    /// What `value` was held against: `recent` must be below it, `golden` equal, the others at most equal.
    public var limit: Double
    /// One sentence for people.
    public var message: String

    /// A gate's result from its parts.
    public init(gate: String, passed: Bool, value: Double, limit: Double, message: String) {
        self.gate = gate
        self.passed = passed
        self.value = value
        self.limit = limit
        self.message = message
    }
}
