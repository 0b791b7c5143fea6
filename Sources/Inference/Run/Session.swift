import Kernels

/// Memory to run a model in: a value that one task at a time can hold, which the compiler sees to.
///
/// Any number of sessions of a model run at the same time; they share its packed weights. A run allocates nothing but what
/// a form of it returns as an array and what layers that stay float need.
public struct Session: ~Copyable, Sendable {
    /// The most rows of one run.
    public let batch: Int
    /// The threads that share the work of a step.
    public let threads: Int
    /// The bytes of its memory: arena and scratch.
    public var memoryBytes: Int { memory.byteCount }

    private let model: PreparedModel
    private let features: FeatureNames
    private let memory: SessionMemory
    private let team: ThreadTeam?

    init(
        _ model: PreparedModel,
        features: FeatureNames,
        batch: Int,
        threads: Int
    ) throws(InferenceError) {
        guard (1...ThreadTeam.threadsMax).contains(threads) else {
            throw .invalid(field: "threads", reason: "\(threads) is not in 1...\(ThreadTeam.threadsMax)")
        }
        guard batch > 0 else { throw .invalid(field: "batch", reason: "\(batch) is not positive") }
        let memory = try SessionMemory(model, batch: batch, threads: threads)
        self.model = model
        self.features = features
        self.batch = batch
        self.threads = threads
        self.memory = memory
        team = threads > 1 ? ThreadTeam(threads) : nil
    }

    /// The answers to rows of features.
    ///
    /// - Parameters:
    ///   - input: `[rows, inputCount]` row-major.
    ///   - rows: At most ``batch``.
    ///   - after: Called after the input was encoded with -1, after each step with its index, and at the end with the
    ///     number of steps: for a profiler.
    /// - Returns: `[rows, outputCount]` row-major.
    /// - Throws: ``InferenceError/inputCount(expected:actual:)``,
    ///   ``InferenceError/nonFiniteInput(row:feature:element:)``, ``InferenceError/invalidIndex(input:row:index:)``.
    public mutating func run(
        _ input: [Float],
        rows: Int,
        after: (_ step: Int) -> Void = { _ in }
    ) throws(InferenceError) -> [Float] {
        try check(input.count, rows: rows, width: model.plan.inputCount)
        var output = [Float](repeating: 0, count: rows * model.plan.outputCount)
        try run(input, rows: rows, into: &output, after: after)
        return output
    }

    /// As ``run(_:rows:after:)`` into an array that is there already, without allocating.
    ///
    /// - Parameter output: At least `rows * outputCount` elements, of which the first are written.
    public mutating func run(
        _ input: [Float],
        rows: Int,
        into output: inout [Float],
        after: (_ step: Int) -> Void = { _ in }
    ) throws(InferenceError) {
        try check(input.count, rows: rows, width: model.plan.inputCount)
        let count = rows * model.plan.outputCount
        guard output.count >= count else { throw .outputCount(expected: count, actual: output.count) }
        if let index = firstNonFinite(input) { throw features.nonFinite(at: index) }
        // Safety: counts are checked above; the pointers live for the calls.
        try unsafe input.withUnsafeBufferPointer { input throws(InferenceError) in
            try unsafe memory.encode(input, rows: rows, plan: model.plan)
        }
        after(-1)
        runSteps(rows: rows, after: after)
        unsafe output.withUnsafeMutableBufferPointer { output in
            guard let output = output.baseAddress else { return }
            unsafe memory.decode(into: output, rows: rows, plan: model.plan)
        }
        after(model.plan.steps.count)
    }

    /// The answers as they stand in memory, to inputs as they stand in memory: no float takes part.
    ///
    /// - Parameters:
    ///   - input: For each row the elements of every input one after the other, u8, or s16 and s32 in little-endian order:
    ///     `rows * inputBytes`.
    ///   - output: Likewise, at least `rows * outputBytes`, of which the first are written.
    ///   - after: As above.
    /// - Throws: ``InferenceError/inputCount(expected:actual:)``, ``InferenceError/outputCount(expected:actual:)``.
    public mutating func run(
        bytes input: [UInt8],
        rows: Int,
        into output: inout [UInt8],
        after: (_ step: Int) -> Void = { _ in }
    ) throws(InferenceError) {
        let plan = model.plan
        try check(input.count, rows: rows, width: plan.inputBytes)
        guard output.count >= rows * plan.outputBytes else {
            throw .outputCount(expected: rows * plan.outputBytes, actual: output.count)
        }
        copy(input, rows: rows)
        after(-1)
        runSteps(rows: rows, after: after)
        unsafe output.withUnsafeMutableBytes { output in
            guard let base = output.baseAddress else { return }
            var offset = 0
            for number in plan.outputs.indices {
                let entry = plan.outputs[number]
                let bytes = plan.values[entry.value].rowBytes
                for row in 0..<rows {
                    unsafe (base + (row * plan.outputBytes + offset)).copyMemory(
                        from: memory.address(of: entry.value) + row * bytes,
                        byteCount: bytes
                    )
                }
                offset += bytes
            }
        }
        after(plan.steps.count)
    }

    /// The answers to inputs as they stand in memory, without allocating.
    ///
    /// - Parameters:
    ///   - input: As above.
    ///   - answers: At least `rows * outputCount` elements, of which the first are written.
    ///   - after: As above.
    /// - Throws: ``InferenceError/inputCount(expected:actual:)``, ``InferenceError/outputCount(expected:actual:)``.
    public mutating func run(
        bytes input: [UInt8],
        rows: Int,
        into answers: inout [Float],
        after: (_ step: Int) -> Void = { _ in }
    ) throws(InferenceError) {
        try check(input.count, rows: rows, width: model.plan.inputBytes)
        let count = rows * model.plan.outputCount
        guard answers.count >= count else { throw .outputCount(expected: count, actual: answers.count) }
        copy(input, rows: rows)
        after(-1)
        runSteps(rows: rows, after: after)
        // Safety: there is room for the rows.
        unsafe answers.withUnsafeMutableBufferPointer { answers in
            guard let answers = answers.baseAddress else { return }
            unsafe memory.decode(into: answers, rows: rows, plan: model.plan)
        }
        after(model.plan.steps.count)
    }

    /// As ``run(_:rows:after:)``, and shows the memory, where the step's values still stand.
    mutating func run(
        _ input: [Float],
        rows: Int,
        observe: (_ step: Int, _ memory: SessionMemory) -> Void
    ) throws(InferenceError) -> [Float] {
        let memory = memory
        return try run(input, rows: rows, after: { observe($0, memory) })
    }

    /// Puts rows of all inputs to their places.
    ///
    /// - Precondition: There are `rows * inputBytes` bytes.
    private func copy(_ input: [UInt8], rows: Int) {
        let plan = model.plan
        // Safety: counts are checked above; each value has room for the rows.
        unsafe input.withUnsafeBytes { input in
            guard let base = input.baseAddress else { return }
            var offset = 0
            for number in plan.inputs.indices {
                let entry = plan.inputs[number]
                let bytes = plan.values[entry.value].rowBytes
                for row in 0..<rows {
                    unsafe (memory.address(of: entry.value) + row * bytes).copyMemory(
                        from: base + (row * plan.inputBytes + offset),
                        byteCount: bytes
                    )
                }
                offset += bytes
            }
        }
    }

    private func runSteps(rows: Int, after: (Int) -> Void) {
        guard rows > 0 else { return }
        for step in model.steps.indices {
            let units = model.steps[step].units(rows: rows)
            if let team, units > 1 {
                team.run(ThreadTeam.Job(memory: memory, model: model, step: step, rows: rows, units: units))
            } else {
                memory.run(step, of: model, rows: rows, units: 0..<units, thread: 0)
            }
            after(step)
        }
    }

    private func check(_ count: Int, rows: Int, width: Int) throws(InferenceError) {
        guard (0...batch).contains(rows) else {
            throw .invalid(field: "rows", reason: "\(rows) is not in 0...\(batch)")
        }
        guard count == rows * width else { throw .inputCount(expected: rows * width, actual: count) }
    }
}

/// The first element that is NaN or infinite.
func firstNonFinite(_ values: [Float]) -> Int? {
    // The exponent of such a number is all ones, and one more carries into the sign. Most inputs need only this look.
    let doubt = unsafe values.withUnsafeBufferPointer { values in
        var doubt: UInt32 = 0
        for index in values.indices { unsafe doubt |= (values[index].bitPattern & 0x7fff_ffff) &+ 0x0080_0000 }
        return doubt
    }
    return doubt >> 31 == 0 ? nil : values.firstIndex { !$0.isFinite }
}
