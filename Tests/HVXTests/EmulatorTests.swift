import HVX
import HexagonTools
import Testing

@testable import HexloopApp

/// The recorded cases are always the same; these are new in every run.
@Suite(
    "Instructions give the bytes of the emulator on operands of this run",
    .enabled(if: HexagonTools.arePresent, "\(HexagonTools.comment)"),
    .timeLimit(.minutes(2))
)
struct EmulatorTests {
    private static let cases = 10

    @Test("Every instruction up to v66")
    func randomOperands() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = Randomness(state: seed)
        let folder = try goldenFolder()
        let instructions = folder.operations.compactMap { recorded in
            Catalogue.operation(named: recorded.name).flatMap {
                $0.minimumVersion <= 66 ? EmulatedInstruction(recorded, $0) : nil
            }
        }
        #expect(instructions.count == 392)
        var input: [UInt8] = []
        var expected: [[UInt8]] = []
        for instruction in instructions {
            for _ in 0..<Self.cases {
                let operands = instruction.operands(&random)
                input += operands
                expected.append(try instruction.operation.run(operands))
            }
        }
        let source = EmulatedInstruction.program(instructions, cases: Self.cases)
        let output = try await HexagonTools.run(source, input: input)
        try #require(output.count == expected.joined().count)
        var offset = 0
        for (index, bytes) in expected.enumerated() {
            let name = instructions[index / Self.cases].operation.name
            #expect(Array(output[offset..<offset + bytes.count]) == bytes, "\(name), case \(index), seed \(seed)")
            offset += bytes.count
        }
    }
}

/// An instruction with what C code needs to run it on operands in a row.
struct EmulatedInstruction {
    let operation: HVX.Operation
    private let recorded: RecordedOperation

    init(_ recorded: RecordedOperation, _ operation: HVX.Operation) {
        self.recorded = recorded
        self.operation = operation
    }

    private var name: String { operation.name }
    private var isOnRegion: Bool { name.contains("gather") || name.contains("scatter") }

    /// Where each operand begins.
    private var offsets: [Int] {
        var offset = 0
        return operation.inputs.map { kind in
            defer { offset += kind.byteCount }
            return offset
        }
    }

    // MARK: Operands

    /// Operands of which many bytes are extreme. Gathers and scatters stay inside of a region of 256 bytes, because the
    /// emulator knows no end of it, and what is stored twice at one place would depend on its order.
    func operands(_ random: inout Randomness) -> [UInt8] {
        zip(recorded.inputs, operation.inputs).flatMap { operand, kind -> [UInt8] in
            let count = kind.byteCount
            switch operand.name {
            case "Mu": return [255, 0, 0, 0]
            case "offsets": return places(count, size: operand.lane == "h" ? 2 : 4, &random)
            case "offset": return [UInt8(random.next() % 129), 0, 0, 0]
            default: break
            }
            if let limit = immediateLimit { if operand.kind == "I" { return [UInt8(random.next() % limit), 0, 0, 0] } }
            // All bytes random, or in some places only bits that are all 0 or all 1, or only extremes.
            let style = random.next() % 4
            return (0..<(count + 7) / 8).flatMap { _ -> [UInt8] in
                let bits = random.next()
                let word =
                    switch style {
                    case 0: bits
                    case 1: (bits & 0x0001_0001_0001_0001) &* 255 | bits & 0x8000_7f00_8100_ff00
                    case 2: (bits & 0x0000_0001_0000_0001) &* 0xff_ffff | bits & 0x8000_0000_7f00_0000
                    default: (bits & 0x0101_0101_0101_0101) &* 255 ^ 0x807f_0000_007f_8000
                    }
                return withUnsafeBytes(of: word) { Array($0) }
            }.prefix(count).map(\.self)
        }
    }

    /// Offsets of elements into a region, all different where that is possible.
    private func places(_ count: Int, size: Int, _ random: inout Randomness) -> [UInt8] {
        // Pairs of words are offsets of halfwords.
        let element = name.contains("Ww") ? 2 : size
        let all = Array(stride(from: 0, to: 256, by: element)).shuffled(using: &random)
        return (0..<count / size).flatMap { index in
            [UInt8(all[index])] + [UInt8](repeating: 0, count: size - 1)
        }
    }

    /// How many values the immediate has; nil when there is none.
    private var immediateLimit: UInt64? {
        switch recorded.inputs.first(where: { $0.kind == "I" })?.name {
        case "Iu1": 2
        case "Iu2": 4
        case "Iu3": 8
        default: nil
        }
    }

    // MARK: C

    /// Reads all cases of each instruction in turn, and writes their results.
    static func program(_ instructions: [EmulatedInstruction], cases: Int) -> String {
        let functions = instructions.enumerated().map { index, instruction in
            """
            static void f\(index)(const u8 *in, u8 *out) { (void)in; \(instruction.statement) }

            """
        }
        let calls = instructions.enumerated().map { index, instruction in
            "    run(f\(index), \(instruction.operation.inputByteCount), \(instruction.operation.outputByteCount));\n"
        }
        return harness + functions.joined() + """
            static NOINLINE void run(void (*f)(const u8 *, u8 *), int in, int out) {
                static u8 from[\(cases) * 2048], to[\(cases) * 2048];
                for (int got = 0; got < in * \(cases);) got += call(63, 0, (int)(from + got), in * \(cases) - got);
                for (int i = 0; i < \(cases); i++) f(from + i * in, to + i * out);
                for (int put = 0; put < out * \(cases);) put += call(64, 1, (int)(to + put), out * \(cases) - put);
            }
            __attribute__((used, noreturn)) static void run_all(void) {
            \(calls.joined())    for (;;) call(94, 0, 0, 0);
            }
            __asm__(".globl _start\\n_start:\\n{ r29 = and(r29, #-128) }\\n{ call run_all }\\n");

            """
    }

    /// One instruction on one row of operands.
    private var statement: String {
        let arguments = zip(operation.inputs, offsets).map { kind, offset in "get\(kind.rawValue)(in + \(offset))" }
        let result = operation.outputs[0].rawValue
        switch name {
        case "X_vmem_load", "X_vmemu_load":
            return "\(copyIn(0, 256)) HVX_Vector v; int p = (int)memory + \(arguments[1]); "
                + "__asm__ volatile(\"%0 = \(mnemonic)(%1+#0)\" : \"=v\"(v) : \"r\"(p) : \"memory\"); putV(out, v);"
        case "X_vmem_store", "X_vmemu_store":
            return "\(copyIn(0, 256)) HVX_Vector v = \(arguments[2]); int p = (int)memory + \(arguments[1]); "
                + "__asm__ volatile(\"\(mnemonic)(%1+#0) = %0\" : : \"v\"(v), \"r\"(p) : \"memory\"); \(copyOut(0, 256))"
        case "Q6_vmem_QRIV", "Q6_vmem_QnRIV":
            return "\(copyIn(offsets[1], 128)) \(name)(\(arguments[0]), (HVX_Vector *)memory, \(arguments[2])); "
                + copyOut(0, 128)
        case "Q6_Vw_vadd_VwVwQ_carry", "Q6_Vw_vsub_VwVwQ_carry":
            return "HVX_VectorPred q = \(arguments[2]); putV(out, \(name)(\(arguments[0]), \(arguments[1]), &q)); "
                + "putQ(out + 128, q);"
        default: break
        }
        if isOnRegion {
            let names = recorded.inputs.map(\.name)
            func argument(_ name: String) -> String? { names.firstIndex(of: name).map { arguments[$0] } }
            func place(_ name: String) -> Int { names.firstIndex(of: name).map { offsets[$0] } ?? 0 }
            let tail = [argument("Qs"), "(int)memory", "255", argument("offsets"), argument("Vw")].compactMap(\.self)
            if name.contains("gather") {
                return "\(copyIn(place("region"), 256)) copy(memory + 256, in + \(place("dst_before")), 128); "
                    + "\(name)((HVX_Vector *)(memory + 256), \(tail.joined(separator: ", "))); \(copyOut(256, 128))"
            }
            return "\(copyIn(place("region_before"), 256)) \(name)(\(tail.joined(separator: ", "))); \(copyOut(0, 256))"
        }
        guard let limit = immediateLimit else {
            return "put\(result)(out, \(name)(\(arguments.joined(separator: ", "))));"
        }
        // An immediate is part of the instruction: one for each value.
        let cases = (0..<limit).map { value in
            let all = zip(recorded.inputs, arguments).map { $0.kind == "I" ? "\(value)" : $1 }
            return "case \(value): put\(result)(out, \(name)(\(all.joined(separator: ", ")))); break;"
        }
        return "switch (\(arguments[arguments.count - 1])) { \(cases.joined(separator: " ")) }"
    }

    private var mnemonic: String { name.contains("vmemu") ? "vmemu" : "vmem" }
    private func copyIn(_ offset: Int, _ count: Int) -> String { "copy(memory, in + \(offset), \(count));" }
    private func copyOut(_ offset: Int, _ count: Int) -> String { "copy(out, memory + \(offset), \(count));" }

    private static let harness = """
        #include <hexagon_protos.h>
        #include <hexagon_types.h>
        // Otherwise the compiler takes a minute.
        #define NOINLINE __attribute__((noinline))
        typedef unsigned char u8;
        static NOINLINE int call(int number, int a, int b, int c) {
            register int r0 __asm__("r0") = a;
            register int r1 __asm__("r1") = b;
            register int r2 __asm__("r2") = c;
            register int r6 __asm__("r6") = number;
            __asm__ volatile("trap0(#1)" : "+r"(r0) : "r"(r1), "r"(r2), "r"(r6) : "memory");
            return r0;
        }
        __attribute__((no_builtin)) void *memcpy(void *to, const void *from, __SIZE_TYPE__ n) {
            for (__SIZE_TYPE__ i = 0; i < n; i++) ((volatile u8 *)to)[i] = ((const u8 *)from)[i];
            return to;
        }
        __attribute__((no_builtin)) void *memset(void *to, int value, __SIZE_TYPE__ n) {
            for (__SIZE_TYPE__ i = 0; i < n; i++) ((volatile u8 *)to)[i] = (u8)value;
            return to;
        }
        static u8 memory[512] __attribute__((aligned(512)));
        static NOINLINE void copy(volatile u8 *to, const volatile u8 *from, int n) {
            for (int i = 0; i < n; i++) to[i] = from[i];
        }
        static HVX_Vector getV(const u8 *p) { return *(const HVX_UVector *)p; }
        static void putV(u8 *p, HVX_Vector v) { *(HVX_UVector *)p = v; }
        static HVX_VectorPair getW(const u8 *p) { return Q6_W_vcombine_VV(getV(p + 128), getV(p)); }
        static void putW(u8 *p, HVX_VectorPair v) { putV(p, Q6_V_lo_W(v)); putV(p + 128, Q6_V_hi_W(v)); }
        static NOINLINE HVX_VectorPred getQ(const u8 *p) {
            u8 bytes[128] __attribute__((aligned(128)));
            for (int i = 0; i < 128; i++) bytes[i] = (p[i >> 3] >> (i & 7)) & 1;
            return Q6_Q_vand_VR(*(HVX_Vector *)bytes, -1);
        }
        static NOINLINE void putQ(u8 *p, HVX_VectorPred q) {
            u8 bytes[128] __attribute__((aligned(128)));
            *(HVX_Vector *)bytes = Q6_V_vand_QR(q, -1);
            for (int i = 0; i < 16; i++) p[i] = 0;
            for (int i = 0; i < 128; i++) p[i >> 3] |= (bytes[i] & 1) << (i & 7);
        }
        static int getR(const u8 *p) { return p[0] | p[1] << 8 | p[2] << 16 | p[3] << 24; }
        static void putR(u8 *p, int r) { for (int i = 0; i < 4; i++) p[i] = r >> (8 * i); }
        static long long getP(const u8 *p) { return (long long)getR(p + 4) << 32 | (unsigned)getR(p); }

        """
}
