import Kernels

/// The memory of one session: an arena for the values, scratch for each thread, and the pointers that the steps take.
// Safety: the memory is allocated in init and freed in deinit. One session owns it and runs on one thread at a time, but
// for the units of a step, which write to different places.
@safe final class SessionMemory: @unchecked Sendable {
    let layout: ArenaLayout
    private let arena: UnsafeMutableRawPointer
    private let scratch: UnsafeMutableRawPointer
    private let scratchStride: Int
    private let threads: Int
    /// The inputs of all steps, one after the other.
    private let pointers: UnsafeMutablePointer<UnsafeRawPointer>
    /// Where those of each step begin.
    private let firstPointers: [Int]

    convenience init(_ model: PreparedModel, batch: Int, threads: Int) throws(InferenceError) {
        try self.init(model.plan, batch: batch, scratchBytes: model.scratchBytes, threads: threads)
    }

    /// - Parameter scratchBytes: For each thread.
    init(_ plan: Plan, batch: Int, scratchBytes: Int = 0, threads: Int = 1) throws(InferenceError) {
        layout = try plan.layout(rows: batch)
        let alignment = PreparedOperator.alignment
        unsafe arena = .allocate(byteCount: layout.byteCount + PreparedOperator.slackBytes, alignment: alignment)
        unsafe arena.initializeMemory(
            as: UInt8.self,
            repeating: 0,
            count: layout.byteCount + PreparedOperator.slackBytes
        )
        scratchStride = scratchBytes + PreparedOperator.slackBytes
        self.threads = threads
        unsafe scratch = .allocate(byteCount: scratchStride * threads, alignment: alignment)
        unsafe scratch.initializeMemory(as: UInt8.self, repeating: 0, count: scratchStride * threads)
        let steps = plan.steps
        let count = steps.reduce(0) { $0 + $1.inputs.count }
        unsafe pointers = .allocate(capacity: max(count, 1))
        var firsts: [Int] = []
        var next = 0
        for step in steps {
            firsts.append(next)
            for input in step.inputs {
                unsafe (pointers + next).initialize(to: UnsafeRawPointer(arena + layout.offsets[input]))
                next += 1
            }
        }
        firstPointers = firsts
    }

    deinit {
        unsafe arena.deallocate()
        unsafe scratch.deallocate()
        unsafe pointers.deallocate()
    }

    /// The bytes of arena and scratch, that of every thread.
    var byteCount: Int { layout.byteCount + scratchStride * threads }

    func address(of value: Int) -> UnsafeMutableRawPointer { unsafe arena + layout.offsets[value] }

    /// Runs some units of a step on a thread of the session.
    func run(
        _ step: Int,
        of model: PreparedModel,
        rows: Int,
        units: Range<Int>,
        thread: Int
    ) {
        guard case .integer(let operation) = model.steps[step] else {
            run(model.plan.steps[step], model.steps[step], plan: model.plan, rows: units)
            return
        }
        // Safety: the layout gives every value room for the batch and slack, and no two values alive at this step overlap.
        unsafe operation.run(
            inputs: pointers + firstPointers[step],
            output: arena + layout.offsets[model.plan.steps[step].output],
            scratch: scratch + thread * scratchStride,
            rows: rows,
            units: units
        )
    }

    /// The bytes of a value for some rows.
    func bytes(of value: Int, rows: Int, plan: Plan) -> [UInt8] {
        unsafe [UInt8](UnsafeRawBufferPointer(start: address(of: value), count: rows * plan.values[value].rowBytes))
    }

    /// A row of a value as real numbers.
    func reals(of value: Int, row: Int = 0, plan: Plan) -> [Float] {
        let value = (number: value, info: plan.values[value])
        return unsafe [Float](unsafeUninitializedCapacity: value.info.count) { reals, count in
            count = value.info.count
            guard let target = reals.baseAddress else { return }
            let source = unsafe address(of: value.number) + row * value.info.rowBytes
            unsafe SessionMemory.decode(value.info, from: source, into: target)
        }
    }

    /// Writes the bytes of a value.
    ///
    /// - Precondition: At most as many as the value has in the batch.
    func replace(_ value: Int, with bytes: [UInt8]) {
        unsafe bytes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            unsafe address(of: value).copyMemory(from: base, byteCount: bytes.count)
        }
    }
}
