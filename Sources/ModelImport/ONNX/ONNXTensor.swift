import FoundationEssentials
import SwiftProtobuf

extension SourceTensor {
    /// The elements of a tensor as ONNX writes them: as bytes, or in the list of their type.
    init(_ proto: Onnx_TensorProto, field: String) throws(ImportError) {
        guard proto.dataLocation == .default, proto.externalData.isEmpty else {
            throw .unsupported([
                .init(
                    node: proto.name,
                    operation: "tensor",
                    reason: "its elements are in another file; save the model as one file"
                )
            ])
        }
        guard let type = SourceTensor.types[Int(proto.dataType)] else {
            throw .unsupported([
                .init(
                    node: proto.name,
                    operation: "tensor",
                    reason: "elements of type \(SourceTensor.name(ofType: Int(proto.dataType)))"
                )
            ])
        }
        let shape = proto.dims.map { Int(clamping: $0) }
        guard let count = SourceTensor.elementCount(shape) else {
            throw .damaged(field: field, reason: "shape \(shape.prefix(16)) is not possible")
        }
        var bytes: ArraySlice<UInt8>
        if proto.hasRawData {
            bytes = [UInt8](proto.rawData)[...]
        } else {
            switch type {
            case .float32: bytes = SourceTensor(shape: [proto.floatData.count], floats: proto.floatData).bytes
            case .float64:
                let patterns = proto.doubleData.map { Int(Int64(bitPattern: $0.bitPattern)) }
                bytes = SourceTensor(shape: [patterns.count], integers: patterns).bytes
            case .int64:
                bytes = SourceTensor(shape: [proto.int64Data.count], integers: proto.int64Data.map { Int($0) }).bytes
            case .uint32, .uint64:
                let integers = proto.uint64Data.map { Int(truncatingIfNeeded: $0) }
                bytes = SourceTensor(shape: [integers.count], integers: integers, type: type).bytes
            default:
                // Everything smaller stands in 32-bit integers, the patterns of floats too.
                let kind: ElementType = type.byteCount == 1 ? .uint8 : type.byteCount == 2 ? .uint16 : .int32
                let integers = proto.int32Data.map { Int($0) }
                bytes = SourceTensor(shape: [integers.count], integers: integers, type: kind).bytes
            }
        }
        if type == .int4 || type == .uint4 {
            // Two in a byte, the lower one first.
            bytes = bytes.flatMap { byte in
                type == .uint4
                    ? [byte & 15, byte >> 4]
                    : [
                        UInt8(bitPattern: Int8(bitPattern: byte << 4) >> 4),
                        UInt8(bitPattern: Int8(bitPattern: byte) >> 4),
                    ]
            }.prefix(count)
        }
        try self.init(type: type, shape: shape, bytes: bytes, field: field)
    }

    /// The types of ONNX by their numbers; strings and complex numbers are not among them.
    static let types: [Int: ElementType] = [
        1: .float32, 2: .uint8, 3: .int8, 4: .uint16, 5: .int16, 6: .int32, 7: .int64, 9: .bool, 10: .float16,
        11: .float64, 12: .uint32, 13: .uint64, 16: .bfloat16, 17: .float8e4m3, 18: .float8e4m3z, 19: .float8e5m2,
        20: .float8e5m2z, 21: .uint4, 22: .int4,
    ]

    static func name(ofType number: Int) -> String {
        switch number {
        case 8: "string"
        case 14, 15: "complex"
        default: types[number]?.rawValue ?? "\(number)"
        }
    }
}
