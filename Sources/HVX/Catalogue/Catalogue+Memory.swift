/// Loads, stores, gathers, scatters. Here memory is an operand: what it held comes in, what it holds then is a result.
extension Catalogue {
    static func addMemory(_ table: inout OperationTable) {
        table.add("X_vmem_load", .vm, 60) { (memory: VectorPair, offset: Int32) throws(OperationError) in
            try Vector(aligned: memory.memory, at: checked(offset & ~127))
        }
        table.add("X_vmemu_load", .vm, 60) { (memory: VectorPair, offset: Int32) throws(OperationError) in
            try Vector(unaligned: memory.memory, at: checked(offset))
        }
        table.add("X_vmem_store", .vm, 60, slots: [0]) {
            (memory: VectorPair, offset: Int32, u: Vector) throws(OperationError) in
            var bytes = memory.memory
            try u.store(aligned: &bytes, at: checked(offset & ~127))
            return VectorPair(memory: bytes)
        }
        table.add("X_vmemu_store", .vm, 60, slots: [0]) {
            (memory: VectorPair, offset: Int32, u: Vector) throws(OperationError) in
            var bytes = memory.memory
            try u.store(unaligned: &bytes, at: checked(offset))
            return VectorPair(memory: bytes)
        }
        table.add("vmem_QRIV", .vmStore, 60) { (q: Predicate, memory: Vector, u: Vector) in
            var memory = memory
            Q6.vmem_QRIV(q, &memory, u)
            return memory
        }
        table.add("vmem_QnRIV", .vmStore, 60) { (q: Predicate, memory: Vector, u: Vector) in
            var memory = memory
            Q6.vmem_QnRIV(q, &memory, u)
            return memory
        }
        addGathers(&table)
        addScatters(&table)
    }

    private static func addGathers(_ table: inout OperationTable) {
        typealias Gather<Offsets> = @Sendable (inout Vector, [UInt8], Int32, Offsets) -> Void
        typealias MaskedGather<Offsets> = @Sendable (inout Vector, Predicate, [UInt8], Int32, Offsets) -> Void

        func add<Offsets: Operand>(_ name: String, _ resource: Resource, _ function: @escaping Gather<Offsets>) {
            table.add(name, resource, 65) {
                (a: Vector, region: VectorPair, mu: Int32, v: Offsets) throws(OperationError) in
                var a = a
                try function(&a, region.memory, checkedRegion(mu), v)
                return a
            }
        }
        func addMasked<Offsets: Operand>(
            _ name: String,
            _ resource: Resource,
            _ function: @escaping MaskedGather<Offsets>
        ) {
            table.add(name, resource, 65) {
                (a: Vector, q: Predicate, region: VectorPair, mu: Int32, v: Offsets) throws(OperationError) in
                var a = a
                try function(&a, q, region.memory, checkedRegion(mu), v)
                return a
            }
        }
        add("vgather_ARMVh", .gather, Q6.vgather_ARMVh)
        add("vgather_ARMVw", .gather, Q6.vgather_ARMVw)
        add("vgather_ARMWw", .gatherDouble, Q6.vgather_ARMWw)
        addMasked("vgather_AQRMVh", .gather, Q6.vgather_AQRMVh)
        addMasked("vgather_AQRMVw", .gather, Q6.vgather_AQRMVw)
        addMasked("vgather_AQRMWw", .gatherDouble, Q6.vgather_AQRMWw)
    }

    private static func addScatters(_ table: inout OperationTable) {
        typealias Scatter<Offsets> = @Sendable (inout [UInt8], Int32, Offsets, Vector) -> Void
        typealias MaskedScatter<Offsets> = @Sendable (Predicate, inout [UInt8], Int32, Offsets, Vector) -> Void

        func add<Offsets: Operand>(_ name: String, _ resource: Resource, _ function: @escaping Scatter<Offsets>) {
            table.add(name, resource, 65) {
                (region: VectorPair, mu: Int32, v: Offsets, w: Vector) throws(OperationError) in
                var bytes = region.memory
                try function(&bytes, checkedRegion(mu), v, w)
                return VectorPair(memory: bytes)
            }
        }
        func addMasked<Offsets: Operand>(
            _ name: String,
            _ resource: Resource,
            _ function: @escaping MaskedScatter<Offsets>
        ) {
            table.add(name, resource, 65) {
                (q: Predicate, region: VectorPair, mu: Int32, v: Offsets, w: Vector) throws(OperationError) in
                var bytes = region.memory
                try function(q, &bytes, checkedRegion(mu), v, w)
                return VectorPair(memory: bytes)
            }
        }
        add("vscatter_RMVhV", .scatter, Q6.vscatter_RMVhV)
        add("vscatter_RMVwV", .scatter, Q6.vscatter_RMVwV)
        add("vscatter_RMWwV", .scatterDouble, Q6.vscatter_RMWwV)
        add("vscatteracc_RMVhV", .scatter, Q6.vscatteracc_RMVhV)
        add("vscatteracc_RMVwV", .scatter, Q6.vscatteracc_RMVwV)
        add("vscatteracc_RMWwV", .scatterDouble, Q6.vscatteracc_RMWwV)
        addMasked("vscatter_QRMVhV", .scatter, Q6.vscatter_QRMVhV)
        addMasked("vscatter_QRMVwV", .scatter, Q6.vscatter_QRMVwV)
        addMasked("vscatter_QRMWwV", .scatterDouble, Q6.vscatter_QRMWwV)
    }

    /// The offset of a register in a memory of two.
    private static func checked(_ offset: Int32) throws(OperationError) -> Int {
        guard (0...128).contains(offset) else { throw .place(Int(offset)) }
        return Int(offset)
    }

    /// The last offset of a region in a memory of two registers.
    private static func checkedRegion(_ mu: Int32) throws(OperationError) -> Int32 {
        guard (0...255).contains(mu) else { throw .place(Int(UInt32(bitPattern: mu))) }
        return mu
    }
}
