import HVX

// Loads and stores of less than a register, and what several operators do with registers.

extension Vector {
    /// The bytes from an address on, zeros behind the last: `vmemu` and `vand` with the predicate of `vsetq2(count)`.
    ///
    /// - Precondition: `count` bytes lie in `memory`, at most 128.
    init(_ memory: [UInt8], at address: Int, count: Int) {
        precondition(count <= Vector.byteCount && address >= 0 && address <= memory.count - count, "load outside")
        self.init()
        unsafe memory.withUnsafeBytes { source in
            unsafe Swift.withUnsafeMutableBytes(of: &words) { target in
                unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[address..<address + count]))
            }
        }
    }

    /// Writes the first bytes to an address: a `vmem` store under a predicate, as `Q6_V_vstu_variable` of others does it.
    ///
    /// - Precondition: `count` bytes lie in `memory`, at most 128.
    func store(_ memory: inout [UInt8], at address: Int, count: Int) {
        precondition(count <= Vector.byteCount && address >= 0 && address <= memory.count - count, "store outside")
        unsafe memory.withUnsafeMutableBytes { target in
            unsafe Swift.withUnsafeBytes(of: words) { source in
                unsafe UnsafeMutableRawBufferPointer(rebasing: target[address..<address + count])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[0..<count]))
            }
        }
    }

    /// Bytes clamped to a range.
    func clamped(to range: ClosedRange<UInt8>) -> Vector {
        let floored = Q6.Vub_vmax_VubVub(self, Q6.Vb_vsplat_R(Int32(range.lowerBound)))
        return Q6.Vub_vmin_VubVub(floored, Q6.Vb_vsplat_R(Int32(range.upperBound)))
    }
}

extension Q6 {
    /// A byte in all four places of a scalar register, for instructions that multiply by one.
    static func repeated(_ byte: UInt8) -> Int32 { Int32(bitPattern: UInt32(byte) * 0x0101_0101) }

    /// A halfword in both places of a scalar register.
    static func repeated(_ half: Int16) -> Int32 {
        Int32(bitPattern: UInt32(UInt16(bitPattern: half)) * 0x0001_0001)
    }

    /// Byte i of each of four registers in word i, for the first 32 bytes: what `vrmpy` sums is then one channel's.
    ///
    /// ```
    /// out.ub[4i+j] = taps[j].ub[i]        i in 0..<32
    /// ```
    /// - Source: `vshuff.b` twice, as in Qualcomm's nnlib, `dwconv2dbbb_s1_3x3_h.S`.
    static func interleavedBytes(_ taps: [Vector]) -> Vector {
        let first = V_lo_W(W_vshuff_VVR(taps[1], taps[0], -1))
        let second = V_lo_W(W_vshuff_VVR(taps[3], taps[2], -1))
        return V_lo_W(W_vshuff_VVR(second, first, -2))
    }

    /// Halfword i of each of two registers in word i, for the first 32 halfwords.
    static func interleavedHalves(_ taps: [Vector]) -> Vector {
        V_lo_W(W_vshuff_VVR(taps[1], taps[0], -2))
    }
}

/// Copies bytes, a register at a time.
func copyBytes(_ source: [UInt8], at start: Int, to target: inout [UInt8], at address: Int, count: Int) {
    for offset in stride(from: 0, to: count, by: Vector.byteCount) {
        let part = min(Vector.byteCount, count - offset)
        Vector(source, at: start + offset, count: part).store(&target, at: address + offset, count: part)
    }
}

extension Window {
    /// The input positions that an output position sees, tap by tap; nil where there is padding.
    func positions(_ y: Int, _ x: Int, of input: FeatureMap) -> [Int?] {
        var positions: [Int?] = []
        for i in 0..<height {
            let line = y * strideY - padding.top + i * dilationY
            for j in 0..<width {
                let column = x * strideX - padding.left + j * dilationX
                let isInside = line >= 0 && line < input.height && column >= 0 && column < input.width
                positions.append(isInside ? line * input.width + column : nil)
            }
        }
        return positions
    }
}
