/// Frames of one ZeroMQ message.
public typealias Frames = [[UInt8]]

extension [UInt8] {
    /// Appends an integer, most significant byte first.
    mutating func append<T: FixedWidthInteger>(bigEndian value: T) {
        for shift in stride(from: T.bitWidth - 8, through: 0, by: -8) {
            append(UInt8(truncatingIfNeeded: value >> T(shift)))
        }
    }

    /// Reads an integer at `offset`, most significant byte first; nil past the end.
    func bigEndian<T: FixedWidthInteger>(_ type: T.Type, at offset: Int) -> T? {
        guard offset >= 0, offset + T.bitWidth / 8 <= count else { return nil }
        var value: T = 0
        for index in offset..<(offset + T.bitWidth / 8) { value = (value << 8) | T(self[index]) }
        return value
    }
}
