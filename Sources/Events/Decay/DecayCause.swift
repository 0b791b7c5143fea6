/// Why a model decays, as ``DecayFigures/cause`` names it.
public enum DecayCause: String, Codable, Sendable, Hashable, CaseIterable {
    /// The metric is worse, and nothing says why: too few inputs are known, or they cannot be tested.
    case performance
    /// The metric is worse although the inputs are as they were: what is right for them changed.
    case concept
    /// The inputs are others than those the reference has.
    case inputs
    /// The inputs are not what they should be: missing, outside of the schema, never seen, stuck, repeated, or not constant
    /// any more.
    case quality
    /// The model's probabilities no longer say how often it is right.
    case calibration
}
