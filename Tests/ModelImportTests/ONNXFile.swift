import Foundation
import SwiftProtobuf

@testable import ModelImport

/// A model of some nodes; inputs and outputs are `x` and `y`.
struct ONNXFile {
    var proto = Onnx_ModelProto()

    init(_ shape: [Int64], opset: Int64 = 17, type: Int32 = 1) {
        proto.irVersion = 8
        var entry = Onnx_OperatorSetIdProto()
        entry.version = opset
        proto.opsetImport = [entry]
        for domain in ["com.microsoft", "ai.onnx.ml"] {
            var other = Onnx_OperatorSetIdProto()
            other.domain = domain
            other.version = 1
            proto.opsetImport.append(other)
        }
        proto.graph.input = [ONNXFile.info("x", shape, type)]
        proto.graph.output = [ONNXFile.info("y", [], 1)]
    }

    static func info(_ name: String, _ shape: [Int64], _ type: Int32) -> Onnx_ValueInfoProto {
        var info = Onnx_ValueInfoProto()
        info.name = name
        info.type.tensorType.elemType = type
        info.type.tensorType.shape.dim = shape.map { size in
            var dimension = Onnx_TensorShapeProto.Dimension()
            if size < 0 { dimension.dimParam = "N" } else { dimension.dimValue = size }
            return dimension
        }
        return info
    }

    mutating func constant(_ name: String, _ shape: [Int64], _ floats: [Float]) {
        var tensor = Onnx_TensorProto()
        (tensor.name, tensor.dims, tensor.dataType, tensor.floatData) = (name, shape, 1, floats)
        proto.graph.initializer.append(tensor)
    }

    mutating func constant(_ name: String, _ shape: [Int64], integers: [Int], type: Int32 = 7) {
        var tensor = Onnx_TensorProto()
        (tensor.name, tensor.dims, tensor.dataType) = (name, shape, type)
        if type == 7 {
            tensor.int64Data = integers.map { Int64($0) }
        } else {
            tensor.int32Data = integers.map { Int32($0) }
        }
        proto.graph.initializer.append(tensor)
    }

    mutating func node(
        _ kind: String,
        _ inputs: [String],
        _ output: String,
        domain: String = "",
        _ attributes: [String: [Int64]] = [:],
        floats: [String: [Float]] = [:],
        texts: [String: String] = [:]
    ) {
        var node = Onnx_NodeProto()
        (node.opType, node.input, node.output, node.domain) = (kind, inputs, [output], domain)
        for (name, integers) in attributes.sorted(by: { $0.key < $1.key }) {
            var attribute = Onnx_AttributeProto()
            attribute.name = name
            if integers.count == 1 { attribute.i = integers[0] }
            attribute.ints = integers
            node.attribute.append(attribute)
        }
        for (name, numbers) in floats {
            var attribute = Onnx_AttributeProto()
            attribute.name = name
            if numbers.count == 1 { attribute.f = numbers[0] }
            attribute.floats = numbers
            node.attribute.append(attribute)
        }
        for (name, text) in texts {
            var attribute = Onnx_AttributeProto()
            attribute.name = name
            attribute.s = Data(text.utf8)
            node.attribute.append(attribute)
        }
        proto.graph.node.append(node)
    }

    func bytes() throws -> [UInt8] { Array(try proto.serializedData()) }

    func read() throws -> ImportedModel { try ModelImporter.read(bytes()) }
}
