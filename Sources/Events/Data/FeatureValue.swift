/// The value of one feature as senders write it: a number, or an array of numbers in which null means missing.
public struct FeatureValue: Sendable, Hashable, Codable {
    /// The numbers in order; NaN where the sender wrote null.
    public var elements: [Double]

    /// A feature of those elements.
    public init(_ elements: [Double]) { self.elements = elements }

    /// Reads a number, an array of numbers and nulls, or null for one missing element.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            elements = [.nan]
        } else if let value = try? container.decode(Double.self) {
            elements = [value]
        } else {
            do { elements = try container.decode([Double?].self).map { $0 ?? .nan } } catch {
                throw DecodingError.typeMismatch(
                    [Double].self,
                    .init(codingPath: container.codingPath, debugDescription: "a number or an array of numbers")
                )
            }
        }
    }

    /// Writes an array, with null for every element that is not finite.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(elements.map { $0.isFinite ? $0 : nil })
    }
}
