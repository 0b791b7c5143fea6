import ModelContainer
import ModelGraph

extension ModelContainer {
    /// A tensor of words that must be there with this count.
    func words(_ name: String, count: Int) throws(InferenceError) -> [Int32] {
        let tensor = try checked(name, shape: [count])
        return try InferenceError.wrapGraph { () throws(GraphError) in try tensor.int32s }
    }

    /// A tensor of finite floats that must be there with this count.
    func reals(_ name: String, count: Int) throws(InferenceError) -> [Float] {
        try reals(name, shape: [count])
    }

    /// A tensor of finite floats that must be there with this shape.
    func reals(_ name: String, shape: [Int]) throws(InferenceError) -> [Float] {
        let tensor = try checked(name, shape: shape)
        let values = try InferenceError.wrapGraph { () throws(GraphError) in try tensor.floats }
        guard values.allSatisfy(\.isFinite) else {
            throw .invalid(field: "tensor '\(name)'", reason: "a value is not finite")
        }
        return values
    }

    /// A tensor that must be there with this shape.
    func checked(_ name: String, shape: [Int]) throws(InferenceError) -> Tensor {
        let tensor = try InferenceError.wrapContainer { () throws(ContainerError) in try self.tensor(name) }
        guard tensor.shape == shape else {
            throw .invalid(field: "tensor '\(name)'", reason: "shape \(tensor.shape) instead of \(shape)")
        }
        return tensor
    }
}
