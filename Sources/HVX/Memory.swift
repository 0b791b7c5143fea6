// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

/// The bytes that loads and stores work on; index 0 stands for an address that is a multiple of 128.
extension Vector {
    /// `vmem` load: the 128 bytes around an address, whose low 7 bits the hardware drops.
    ///
    /// `out.ub[i] = memory[(address & ~127) + i]`
    ///
    /// - Precondition: those bytes lie in `memory`.
    public init(aligned memory: [UInt8], at address: Int) {
        self.init(unaligned: memory, at: address & ~127)
    }

    /// `vmemu` load: the 128 bytes from an address on.
    ///
    /// `out.ub[i] = memory[address + i]`
    ///
    /// - Precondition: those bytes lie in `memory`.
    public init(unaligned memory: [UInt8], at address: Int) {
        precondition(address >= 0 && address <= memory.count - Vector.byteCount, "load from outside the memory")
        self.init(UInt8.self) { memory[address + $0] }
    }

    /// `vmem` store: the counterpart of ``init(aligned:at:)``.
    public func store(aligned memory: inout [UInt8], at address: Int) {
        store(unaligned: &memory, at: address & ~127)
    }

    /// `vmemu` store: the counterpart of ``init(unaligned:at:)``.
    public func store(unaligned memory: inout [UInt8], at address: Int) {
        precondition(address >= 0 && address <= memory.count - Vector.byteCount, "store outside the memory")
        for index in 0..<Vector.byteCount {
            memory[address + index] = self[ub: index]
        }
    }
}

/// Stores of the bytes that a predicate selects.
extension Q6 {
    /// `memory.ub[k] = q[k] ? u.ub[k] : memory.ub[k]`, for the 128 bytes around an address.
    public static func vmem_QRIV(_ q: Predicate, _ memory: inout Vector, _ u: Vector) {
        memory = V_vmux_QVV(q, u, memory)
    }

    /// `memory.ub[k] = q[k] ? memory.ub[k] : u.ub[k]`, for the 128 bytes around an address.
    public static func vmem_QnRIV(_ q: Predicate, _ memory: inout Vector, _ u: Vector) {
        memory = V_vmux_QVV(q, memory, u)
    }
}
