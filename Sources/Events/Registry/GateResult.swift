/// What one gate said about a candidate.
public struct GateResult: Codable, Sendable, Hashable {
    /// `recent`, `frozen`, `quantization` or `golden`.
    public var gate: String
    public var passed: Bool
    /// The candidate's figure and the limit it was held against.
    public var value: Double
    public var limit: Double
    /// One sentence for people.
    public var message: String

    public init(gate: String, passed: Bool, value: Double, limit: Double, message: String) {
        self.gate = gate
        self.passed = passed
        self.value = value
        self.limit = limit
        self.message = message
    }
}
