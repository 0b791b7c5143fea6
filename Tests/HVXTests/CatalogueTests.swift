import HVX
import Testing

@Suite("The catalogue runs instructions on bytes and knows their cost")
struct CatalogueTests {
    @Test("An instruction is found with or without its prefix")
    func names() throws {
        let operation = try #require(Catalogue.operation(named: "Q6_Vw_vrmpyacc_VwVubVb"))
        #expect(Catalogue.operation(named: "Vw_vrmpyacc_VwVubVb")?.name == operation.name)
        #expect(operation.inputs == [.vector, .vector, .vector])
        #expect(operation.resource == .vx)
        #expect(Catalogue.operation(named: "Q6_X_vmem_load") == nil)
        #expect(Catalogue.operation(named: "X_vmem_load")?.outputs == [.vector])
    }

    @Test("Bytes that are too few or too many are refused")
    func counts() throws {
        for operation in Catalogue.operations {
            let bytes = [UInt8](repeating: 0, count: operation.inputByteCount)
            #expect(try operation.run(bytes).count == operation.outputByteCount)
            #expect(throws: OperationError.count(expected: bytes.count, actual: bytes.count + 1)) {
                try operation.run(bytes + [0])
            }
        }
    }

    @Test("Memory outside of the operand is refused")
    func memory() throws {
        for name in ["X_vmem_load", "X_vmemu_load", "X_vmem_store", "X_vmemu_store"] {
            let operation = try #require(Catalogue.operation(named: name))
            let rest = [UInt8](repeating: 0, count: operation.inputByteCount - 260)
            func run(_ offset: Int32) throws {
                let scalar = withUnsafeBytes(of: offset.littleEndian) { Array($0) }
                _ = try operation.run([UInt8](repeating: 0, count: 256) + scalar + rest)
            }
            try run(128)
            #expect(throws: OperationError.self) { try run(256) }
            #expect(throws: OperationError.self) { try run(-1) }
        }
        let gather = try #require(Catalogue.operation(named: "vgather_ARMVh"))
        var inputs = [UInt8](repeating: 0, count: gather.inputByteCount)
        inputs[384 + 1] = 1
        #expect(throws: OperationError.place(256)) { try gather.run(inputs) }
    }

    @Test("Packets are bound by the scarcest unit")
    func packets() {
        var bound = PacketBound()
        #expect(bound.packets == 0)
        bound.add(.vx, count: 8)
        #expect(bound.packets == 4)
        bound.add(.va, count: 8)
        #expect(bound.packets == 4)
        bound.add(.vm, count: 4)
        #expect(bound.packets == 5)
        bound.add(.vpVs, count: 6)
        #expect(bound.packets == 7)
        #expect(bound.instructions == 26)
        var pairs = PacketBound()
        pairs.add(.vxDouble, count: 3)
        pairs.add(.vs)
        #expect(pairs.packets == 3)
    }

    @Test("Fewer than no instructions are a programmer's mistake")
    func negativeCounts() async {
        await #expect(processExitsWith: .failure) {
            var bound = PacketBound()
            bound.add(.va, count: -1)
        }
    }
}
