import HVX
import Testing

@Suite("Instructions give the bytes of the emulator")
struct GoldenInstructionTests {
    typealias Binary = @Sendable (Vector, Vector) -> Vector
    typealias Accumulating = @Sendable (Vector, Vector, Vector) -> Vector

    static let binary: [String: Binary] = [
        "Q6_V_vand_VV": Q6.V_vand_VV,
        "Q6_Vw_vadd_VwVw": Q6.Vw_vadd_VwVw,
        "Q6_Vw_vadd_VwVw_sat": Q6.Vw_vadd_VwVw_sat,
        "Q6_Vh_vadd_VhVh_sat": Q6.Vh_vadd_VhVh_sat,
        "Q6_Vw_vsub_VwVw": Q6.Vw_vsub_VwVw,
        "Q6_Vub_vmax_VubVub": Q6.Vub_vmax_VubVub,
        "Q6_Vub_vmin_VubVub": Q6.Vub_vmin_VubVub,
        "Q6_Vw_vmax_VwVw": Q6.Vw_vmax_VwVw,
        "Q6_Vw_vmin_VwVw": Q6.Vw_vmin_VwVw,
        "Q6_Vw_vmpye_VwVuh": Q6.Vw_vmpye_VwVuh,
        "Q6_Vw_vmpyo_VwVh_s1_rnd_sat": Q6.Vw_vmpyo_VwVh_s1_rnd_sat,
        "Q6_Vw_vmpyie_VwVuh": Q6.Vw_vmpyie_VwVuh,
        "Q6_Vw_vrmpy_VubVb": Q6.Vw_vrmpy_VubVb,
        "Q6_Vuw_vrmpy_VubVub": Q6.Vuw_vrmpy_VubVub,
        "Q6_Vw_vrmpy_VbVb": Q6.Vw_vrmpy_VbVb,
        "Q6_Vh_vpack_VwVw_sat": Q6.Vh_vpack_VwVw_sat,
        "Q6_Vub_vpack_VhVh_sat": Q6.Vub_vpack_VhVh_sat,
        "Q6_Vb_vpack_VhVh_sat": Q6.Vb_vpack_VhVh_sat,
        "Q6_Vw_vasl_VwVw": Q6.Vw_vasl_VwVw,
        "Q6_Vw_vasr_VwVw": Q6.Vw_vasr_VwVw,
    ]

    static let accumulating: [String: Accumulating] = [
        "Q6_Vw_vrmpyacc_VwVubVb": Q6.Vw_vrmpyacc_VwVubVb,
        "Q6_Vuw_vrmpyacc_VuwVubVub": Q6.Vuw_vrmpyacc_VuwVubVub,
        "Q6_Vw_vrmpyacc_VwVbVb": Q6.Vw_vrmpyacc_VwVbVb,
        "Q6_Vw_vmpyoacc_VwVwVh_s1_rnd_sat_shift": Q6.Vw_vmpyoacc_VwVwVh_s1_rnd_sat_shift,
    ]

    static let shifting: [String: @Sendable (Vector, Int32) -> Vector] = [
        "Q6_Vw_vasl_VwR": Q6.Vw_vasl_VwR,
        "Q6_Vw_vasr_VwR": Q6.Vw_vasr_VwR,
    ]

    static let splatting: [String: @Sendable (Int32) -> Vector] = [
        "Q6_V_vsplat_R": Q6.V_vsplat_R,
        "Q6_Vh_vsplat_R": Q6.Vh_vsplat_R,
        "Q6_Vb_vsplat_R": Q6.Vb_vsplat_R,
    ]

    @Test("Every recorded case of every instruction")
    func everyCase() throws {
        let instructions = try GoldenInstruction.all()
        #expect(
            instructions.count
                == Self.binary.count + Self.accumulating.count + Self.shifting.count + Self.splatting.count
        )
        for instruction in instructions {
            let bytes = [UInt8](try fixture(instruction.file))
            try #require(bytes.count == instruction.count * instruction.recordBytes)
            for record in 0..<instruction.count {
                let start = record * instruction.recordBytes
                let expected = Vector(unaligned: bytes, at: start + instruction.outputs[0].offset)
                let actual = try evaluate(instruction, bytes, at: start)
                #expect(actual == expected, "\(instruction.name), record \(record)")
            }
        }
    }

    private func evaluate(_ instruction: GoldenInstruction, _ bytes: [UInt8], at start: Int) throws -> Vector {
        let places = instruction.inputs.map { start + $0.offset }
        func vector(_ index: Int) -> Vector { Vector(unaligned: bytes, at: places[index]) }
        if let function = Self.binary[instruction.name] { return function(vector(0), vector(1)) }
        if let function = Self.accumulating[instruction.name] { return function(vector(0), vector(1), vector(2)) }
        if let function = Self.shifting[instruction.name] {
            return function(vector(0), littleEndianWord(bytes, at: places[1]))
        }
        let function = try #require(Self.splatting[instruction.name], "\(instruction.name) has no function")
        return function(littleEndianWord(bytes, at: places[0]))
    }
}
