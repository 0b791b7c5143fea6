import HVX

// Nothing is computed here but for the tables of a concatenation: the definition of the others is where each byte
// comes from. Bytes that stay neighbours move a register at a time (`vmemu`), others one by one, for which Hexagon code
// would use `vshuff`, `vdeal` or `vgather`.

extension Concatenation {
    /// The definition: parts one after the other, through `vlut32` where a part has a table.
    func reference(_ inputs: [[UInt8]], rows: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: rows * outer * width)
        var first = 0
        for (part, input) in zip(parts, inputs) {
            let table = part.table.map { TableRegisters($0) }
            for index in 0..<rows * outer {
                let (from, to) = (index * part.count, index * width + first)
                if let table {
                    table.look(up: input, at: from, count: part.count, to: &bytes, at: to)
                } else {
                    copyBytes(input, at: from, to: &bytes, at: to, count: part.count)
                }
            }
            first += part.count
        }
        return bytes
    }
}

extension Border {
    /// The definition: the border everywhere, then the input inside.
    func reference(_ memory: [UInt8], rows: Int) -> [UInt8] {
        let (inner, outer) = (shape.reduce(1, *), outputShape.reduce(1, *))
        var bytes = [UInt8](repeating: value, count: rows * outer)
        let strides = rowMajorStrides(outputShape)
        let run = shape[shape.count - 1]
        for row in 0..<rows {
            forEachIndex(shape.dropLast()) { number, index in
                let inside = zip(index, before).map { $0 + $1 } + [before[shape.count - 1]]
                let to = row * outer + zip(inside, strides).reduce(0) { $0 + $1.0 * $1.1 }
                copyBytes(memory, at: row * inner + number * run, to: &bytes, at: to, count: run)
            }
        }
        return bytes
    }
}

extension Transposition {
    /// The definition: `out[i] = input[j]` with `j[order[d]] = i[d]`.
    func reference(_ memory: [UInt8], rows: Int) -> [UInt8] {
        let strides = rowMajorStrides(shape)
        return moved(
            memory,
            rows: rows,
            rowBytes: shape.reduce(1, *),
            shape: order.map { shape[$0] },
            start: 0,
            strides: order.map { strides[$0] }
        )
    }
}

extension Slice {
    /// The definition: `out[i] = input[start + i * step]`.
    func reference(_ memory: [UInt8], rows: Int) -> [UInt8] {
        let strides = rowMajorStrides(shape)
        return moved(
            memory,
            rows: rows,
            rowBytes: shape.reduce(1, *),
            shape: outputShape,
            start: zip(start, strides).reduce(0) { $0 + $1.0 * $1.1 },
            strides: zip(step, strides).map { $0 * $1 }
        )
    }
}

extension Gather {
    /// The definition: indices clamped by `vmax` and `vmin` of words, taken out by `vextract`, rows copied.
    func reference(_ memory: [UInt8]) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: memory.count / 4 * width)
        let last = Q6.V_vsplat_R(Int32(clamping: rows - 1))
        for start in stride(from: 0, to: memory.count, by: Vector.byteCount) {
            let count = min(Vector.byteCount, memory.count - start)
            let indices = Vector(memory, at: start, count: count)
            let inside = Q6.Vw_vmin_VwVw(Q6.Vw_vmax_VwVw(indices, Q6.V_vzero()), last)
            for lane in 0..<count / 4 {
                let row = Int(Q6.R_vextract_VR(inside, Int32(4 * lane)))
                copyBytes(table, at: row * width, to: &bytes, at: (start / 4 + lane) * width, count: width)
            }
        }
        return bytes
    }
}

/// The bytes of a value whose index `i` lies at `start + Σ i[d] * strides[d]` of each row.
private func moved(
    _ memory: [UInt8],
    rows: Int,
    rowBytes: Int,
    shape: [Int],
    start: Int,
    strides: [Int]
) -> [UInt8] {
    let count = shape.reduce(1, *)
    var bytes = [UInt8](repeating: 0, count: rows * count)
    let (run, step) = (shape[shape.count - 1], strides[strides.count - 1])
    for row in 0..<rows {
        forEachIndex(shape.dropLast()) { number, index in
            let from = row * rowBytes + start + zip(index, strides).reduce(0) { $0 + $1.0 * $1.1 }
            let to = row * count + number * run
            if step == 1 {
                copyBytes(memory, at: from, to: &bytes, at: to, count: run)
            } else {
                for offset in 0..<run { bytes[to + offset] = memory[from + offset * step] }
            }
        }
    }
    return bytes
}

/// How many elements lie between two neighbours in each dimension.
private func rowMajorStrides(_ shape: [Int]) -> [Int] {
    shape.indices.map { shape[($0 + 1)...].reduce(1, *) }
}

/// Calls with every index of a shape in row-major order, numbered from 0; once with none for no dimensions.
private func forEachIndex(_ shape: ArraySlice<Int>, _ body: (_ number: Int, _ index: [Int]) -> Void) {
    for number in 0..<shape.reduce(1, *) {
        var (index, rest) = ([Int](repeating: 0, count: shape.count), number)
        for d in shape.indices.reversed() {
            index[d] = rest % shape[d]
            rest /= shape[d]
        }
        body(number, index)
    }
}
