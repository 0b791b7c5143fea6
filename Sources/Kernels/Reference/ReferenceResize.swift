import HVX

extension Resize {
    /// The definition, 128 channels at a time: `vmpy` of bytes along the line, of halfwords across lines, and the rounding
    /// shift. 255 · 128 is the greatest halfword, so nothing saturates.
    func reference(_ memory: [UInt8], rows batch: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: batch * output.count)
        for row in 0..<batch {
            for (y, line) in rows.enumerated() {
                for (x, column) in columns.enumerated() {
                    for first in stride(from: 0, to: input.channels, by: Vector.byteCount) {
                        let count = min(Vector.byteCount, input.channels - first)
                        func load(_ y: Int, _ x: Int) -> Vector {
                            let position = (row * input.height + y) * input.width + x
                            return Vector(memory, at: position * input.channels + first, count: count)
                        }
                        let position = (row * output.height + y) * output.width + x
                        blend(
                            top: (load(line.first, column.first), load(line.first, column.second)),
                            bottom: (load(line.second, column.first), load(line.second, column.second)),
                            across: column.fraction,
                            down: line.fraction
                        ).store(&bytes, at: position * input.channels + first, count: count)
                    }
                }
            }
        }
        return bytes
    }

    private func blend(
        top: (Vector, Vector),
        bottom: (Vector, Vector),
        across: Int,
        down: Int
    ) -> Vector {
        func line(_ pair: (Vector, Vector)) -> VectorPair {
            let near = Q6.Wuh_vmpy_VubRub(pair.0, Q6.repeated(UInt8(128 - across)))
            return Q6.Wuh_vmpyacc_WuhVubRub(near, pair.1, Q6.repeated(UInt8(across)))
        }
        func halves(_ top: Vector, _ bottom: Vector) -> Vector {
            let near = Q6.Wuw_vmpy_VuhRuh(top, Q6.repeated(Int16(128 - down)))
            let sum = Q6.Wuw_vmpyacc_WuwVuhRuh(near, bottom, Q6.repeated(Int16(down)))
            return Q6.Vh_vasr_VwVwR_rnd_sat(Q6.V_hi_W(sum), Q6.V_lo_W(sum), 14)
        }
        let (top, bottom) = (line(top), line(bottom))
        let even = halves(Q6.V_lo_W(top), Q6.V_lo_W(bottom))
        let odd = halves(Q6.V_hi_W(top), Q6.V_hi_W(bottom))
        return Q6.Vub_vsat_VhVh(odd, even)
    }
}
