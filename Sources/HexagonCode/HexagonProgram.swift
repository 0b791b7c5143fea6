public import Kernels

/// A list of integer operators between numbered values, as a C program for a Hexagon processor with HVX.
///
/// The program is one file without a C library: it reads a row of all inputs from standard input, runs the operators with
/// HVX instructions, writes a row of all outputs to standard output, and goes on until the input ends. Values stand in
/// memory as ``/Kernels/Operator`` has them. Its bytes are those of the other implementations of the operators.
public struct HexagonProgram: Sendable {
    /// One operator.
    public struct Step: Sendable {
        /// What is computed.
        public var operation: Operator
        /// The numbers of the values that are read.
        public var inputs: [Int]
        /// The number of the value that is written.
        public var output: Int
        /// A name for the comment in the program.
        public var name: String

        /// Makes a value of its parts.
        public init(_ operation: Operator, inputs: [Int], output: Int, name: String = "") {
            self.operation = operation
            self.inputs = inputs
            self.output = output
            self.name = name
        }
    }

    /// The bytes of each value.
    public let valueBytes: [Int]
    /// The values of a row of the input, one after the other.
    public let inputs: [Int]
    /// The values of a row of the output, one after the other.
    public let outputs: [Int]
    /// In the order in which they run.
    public let steps: [Step]
    /// Lines for the head of the program.
    public let notes: [String]

    /// Makes a program of its parts and checks them.
    ///
    /// - Throws: ``HexagonCodeError`` when an operator is not among those that are translated or is invalid, or a step does
    ///   not fit its values.
    public init(
        valueBytes: [Int],
        inputs: [Int],
        outputs: [Int],
        steps: [Step],
        notes: [String] = []
    ) throws(HexagonCodeError) {
        self.valueBytes = valueBytes
        self.inputs = inputs
        self.outputs = outputs
        self.steps = steps
        self.notes = notes
        guard valueBytes.allSatisfy({ $0 >= 0 && $0 <= HexagonProgram.valueBytesMax }),
            (inputs + outputs).allSatisfy(valueBytes.indices.contains)
        else { throw HexagonCodeError(step: "", reason: "a value is missing or too large") }
        for step in steps {
            let (needed, given): ([Int], [Int])
            do throws(KernelError) {
                needed = try step.operation.inputBytes() + [step.operation.outputBytes()]
                given = (step.inputs + [step.output]).map { valueBytes.indices.contains($0) ? valueBytes[$0] : -1 }
            } catch {
                throw HexagonCodeError(step: step.name, reason: "\(error)")
            }
            guard needed == given else {
                throw HexagonCodeError(step: step.name, reason: "its values have \(given) bytes, it needs \(needed)")
            }
        }
    }

    /// A value of more bytes is refused.
    public static let valueBytesMax = 1 << 28

    /// The program.
    ///
    /// - Throws: ``HexagonCodeError`` for an operator that is not translated.
    public func source() throws(HexagonCodeError) -> String {
        var data = ""
        var calls = ""
        var patchBytes = 0
        for (number, step) in steps.enumerated() {
            let layer = try LayerCode(step, number: number)
            patchBytes = max(patchBytes, layer.patchBytes)
            data += layer.data
            calls += "    \(layer.call)\n"
        }
        let comments = notes.map { "// \($0.inComment)\n" }.joined()
        return HexagonProgram.preface + comments + "\n#define PATCH_BYTES \(patchBytes)\n\n" + HexagonRuntime.source
            + "\n"
            + "// ---- The model ----\n\n" + buffers + data + main(calls)
    }

    private static let preface = """
        // Written by `hexloop model emit-hexagon`. One row of the input comes from standard input, one row of the output
        // goes to standard output, until the input ends.
        //
        // clang-19 --target=hexagon -O2 -mhvx -mhvx-length=128B -mcpu=hexagonv66 -ffreestanding -c model.c -o model.o
        // ld.lld-19 -static model.o -o model
        // qemu-hexagon model <input >output
        //

        """

    /// A buffer for each value, aligned, with a register of room behind its end.
    private var buffers: String {
        valueBytes.indices.map {
            "static u8 value\($0)[\(valueBytes[$0]) + VECTOR_BYTES] __attribute__((aligned(VECTOR_BYTES)));\n"
        }.joined() + "\n"
    }

    private func main(_ calls: String) -> String {
        let reads = inputs.enumerated().map { index, value in
            // Nothing at the start of a row is the end; a part of a row is an input of another model.
            index == 0
                ? "        s32 got = read_all(value\(value), \(valueBytes[value]));\n        if (got == 0) finish(0);\n"
                    + "        if (got != \(valueBytes[value])) finish(1);\n"
                : "        if (read_all(value\(value), \(valueBytes[value])) != \(valueBytes[value])) finish(1);\n"
        }
        let writes = outputs.map { "        write_all(value\($0), \(valueBytes[$0]));\n" }
        return """
            static void run(void) {
            \(calls)}

            __attribute__((used, noreturn)) static void run_rows(void) {
                for (;;) {
            \(reads.joined())        run();
            \(writes.joined())    }
            }

            // Registers are spilled to addresses that are multiples of 128.
            __asm__(".globl _start\\n_start:\\n{ r29 = and(r29, #-128) }\\n{ call run_rows }\\n");

            """
    }
}

/// Why a model cannot become a program.
public struct HexagonCodeError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The operator's name, empty when it is about the program as a whole.
    public let step: String
    /// What is wrong.
    public let reason: String

    init(step: String, reason: String) {
        self.step = step
        self.reason = reason
    }

    /// What happened, for a person.
    public var description: String { step.isEmpty ? reason : "\(step): \(reason)" }
}

extension String {
    /// The text as it may stand behind `//`: in one line that goes on in no other.
    var inComment: String { filter { $0.isASCII && !$0.isNewline && $0 != "\\" } }
}
