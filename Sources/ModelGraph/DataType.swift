/// The element type of a tensor.
public enum DataType: String, Codable, Sendable, Hashable, CaseIterable {
    case float32 = "f32"
    case uint8 = "u8"
    case int8 = "s8"
    case int32 = "s32"

    /// The size of one element in bytes.
    public var byteCount: Int {
        switch self {
        case .float32, .int32: 4
        case .uint8, .int8: 1
        }
    }
}
