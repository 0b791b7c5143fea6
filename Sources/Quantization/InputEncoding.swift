/// How a row of raw features becomes a row of bytes, standardization included.
///
/// `q[i] = clamp(round(x[i] * gain[i] + offset[i]) + zeroPoint, 0...255)` with the rounding of ``Encoding/byte(_:zeroPoint:)``.
/// Product and sum are rounded one after the other in 32-bit floats, never fused. A leading `affine` with scale `a` and
/// offset `b` and an encoding with scale `s` give `gain = a / s` and `offset = b / s`, so that each feature keeps the
/// full resolution of a byte whatever its unit. Fewer factors than features repeat: one for each channel, or one for all.
public struct InputEncoding: Sendable, Hashable {
    /// One factor for each feature, each channel, or one for all.
    public let gain: [Float]
    /// One addend for each factor, in steps of the encoding.
    public let offset: [Float]
    /// The byte that stands for a standardized 0, in 0...255.
    public let zeroPoint: Int32

    /// - Precondition: `gain` and `offset` have the same count.
    public init(gain: [Float], offset: [Float], zeroPoint: Int32) {
        precondition(gain.count == offset.count, "gain and offset differ in count")
        self.gain = gain
        self.offset = offset
        self.zeroPoint = zeroPoint
    }

    /// Folds a standardization into an encoding of its results.
    ///
    /// - Precondition: `scale` and `offset` have the same count.
    public init(scale: [Float], offset: [Float], encoding: Encoding) {
        self.init(
            gain: scale.map { $0 / encoding.scale },
            offset: offset.map { $0 / encoding.scale },
            zeroPoint: encoding.zeroPoint
        )
    }

    /// The bytes of whole rows, row-major.
    ///
    /// - Precondition: `values` holds a whole number of rows.
    public func quantize(_ values: [Float]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: values.count) { bytes, count in
            count = values.count
            guard let bytes = bytes.baseAddress else { return }
            values.withUnsafeBufferPointer { quantize($0, into: bytes) }
        }
    }

    /// As ``quantize(_:)`` into memory for as many bytes.
    public func quantize(_ values: UnsafeBufferPointer<Float>, into bytes: UnsafeMutablePointer<UInt8>) {
        precondition(gain.isEmpty ? values.isEmpty : values.count % gain.count == 0, "values are no whole rows")
        gain.withUnsafeBufferPointer { gain in
            offset.withUnsafeBufferPointer { offset in
                var index = 0
                while index < values.count {
                    var feature = 0
                    while feature < gain.count {
                        let product = values[index] * gain[feature]
                        bytes[index] = Encoding.byte(product + offset[feature], zeroPoint: zeroPoint)
                        index += 1
                        feature += 1
                    }
                }
            }
        }
    }

    /// The same for values of 16 bits, which are symmetric: `clamp(round(x[i] * gain[i] + offset[i]), -32767...32767)`.
    public func quantize(_ values: UnsafeBufferPointer<Float>, into halfwords: UnsafeMutablePointer<Int16>) {
        precondition(gain.isEmpty ? values.isEmpty : values.count % gain.count == 0, "values are no whole rows")
        gain.withUnsafeBufferPointer { gain in
            offset.withUnsafeBufferPointer { offset in
                var index = 0
                while index < values.count {
                    var feature = 0
                    while feature < gain.count {
                        let product = values[index] * gain[feature]
                        halfwords[index] = Int16(Encoding.whole(product + offset[feature], limit: 32767))
                        index += 1
                        feature += 1
                    }
                }
            }
        }
    }
}
