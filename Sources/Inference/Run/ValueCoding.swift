import ModelGraph
import Quantization

/// Reals into the elements of inputs, and the elements of outputs into reals.
extension SessionMemory {
    /// Writes rows of the model's input into the arena.
    ///
    /// - Parameter input: `[rows, inputCount]` row-major, finite.
    /// - Throws: ``InferenceError/invalidIndex(input:row:index:)``.
    func encode(_ input: UnsafeBufferPointer<Float>, rows: Int, plan: Plan) throws(InferenceError) {
        let width = plan.inputCount
        var offset = 0
        for number in plan.inputs.indices {
            let entry = plan.inputs[number]
            let value = plan.values[entry.value]
            for row in 0..<rows {
                let start = row * width + offset
                // Safety: the caller checked that input holds rows * width elements; the value has room for the rows.
                let elements = unsafe UnsafeBufferPointer(rebasing: input[start..<start + value.count])
                let target = unsafe address(of: entry.value) + row * value.rowBytes
                switch value.storage {
                case .bytes:
                    unsafe entry.encoding?.quantize(elements, into: target.assumingMemoryBound(to: UInt8.self))
                case .halfwords:
                    unsafe entry.encoding?.quantize(elements, into: target.assumingMemoryBound(to: Int16.self))
                case .reals:
                    let floats = unsafe target.assumingMemoryBound(to: Float.self)
                    for index in elements.indices { unsafe floats[index] = elements[index] }
                case .indices, .sums:
                    let words = unsafe target.assumingMemoryBound(to: Int32.self)
                    let limit = Float(entry.rowsOfTable ?? 1 << 24)
                    for index in elements.indices {
                        let element = unsafe elements[index]
                        guard element >= 0, element < limit, element.rounded(.down) == element else {
                            throw .invalidIndex(input: value.name, row: row, index: element)
                        }
                        unsafe words[index] = Int32(element)
                    }
                }
            }
            offset += value.count
        }
    }

    /// Reads rows of the model's output from the arena, without what is done to real numbers.
    ///
    /// - Parameter output: Room for `[rows, outputCount]`.
    func decode(into output: UnsafeMutablePointer<Float>, rows: Int, plan: Plan) {
        let width = plan.outputCount
        var offset = 0
        for number in plan.outputs.indices {
            let entry = plan.outputs[number]
            let value = plan.values[entry.value]
            for row in 0..<rows {
                // Safety: output has room for rows * width elements, and the arena holds the value's rows.
                let source = unsafe address(of: entry.value) + row * value.rowBytes
                let target = unsafe output + (row * width + offset)
                unsafe SessionMemory.decode(value, from: source, into: target)
                unsafe SessionMemory.apply(
                    entry.tail,
                    to: UnsafeMutableBufferPointer(start: target, count: value.count)
                )
            }
            offset += value.count
        }
    }

    /// A row of a value as real numbers.
    static func decode(
        _ value: Plan.Value,
        from source: UnsafeRawPointer,
        into target: UnsafeMutablePointer<Float>
    ) {
        // Safety: source holds a row of the value and target has room for as many elements.
        switch value.storage {
        case .bytes(let encoding):
            let bytes = unsafe source.assumingMemoryBound(to: UInt8.self)
            for index in 0..<value.count { unsafe target[index] = encoding.dequantize(bytes[index]) }
        case .halfwords(let scale):
            let halfwords = unsafe source.assumingMemoryBound(to: Int16.self)
            for index in 0..<value.count { unsafe target[index] = Float(halfwords[index]) * scale }
        case .sums(let scale, let activation):
            let words = unsafe source.assumingMemoryBound(to: Int32.self)
            var channel = 0
            for index in 0..<value.count {
                unsafe target[index] = activation(Float(words[index]) * scale[channel])
                channel = channel + 1 == scale.count ? 0 : channel + 1
            }
        case .indices:
            let words = unsafe source.assumingMemoryBound(to: Int32.self)
            for index in 0..<value.count { unsafe target[index] = Float(words[index]) }
        case .reals:
            unsafe target.update(from: source.assumingMemoryBound(to: Float.self), count: value.count)
        }
    }

    /// What is done to the real numbers of an output, in place.
    static func apply(_ tail: [Plan.Tail], to reals: UnsafeMutableBufferPointer<Float>) {
        for part in tail.indices {
            switch tail[part] {
            case .function(let function):
                for index in reals.indices { unsafe reals[index] = function(reals[index]) }
            case .softmax(let channels):
                for start in stride(from: 0, to: reals.count, by: channels) {
                    unsafe Softmax.replace(UnsafeMutableBufferPointer(rebasing: reals[start..<start + channels]))
                }
            }
        }
    }
}
