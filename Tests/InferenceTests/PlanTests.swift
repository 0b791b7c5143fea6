import Inference
import Testing

@Suite("Memory is laid out so that nothing overlaps that is alive")
struct PlanTests {
    @Test("Random lifetimes", arguments: 0..<200)
    func lifetimes(_ seed: Int) {
        var random = Randomness(UInt64(seed))
        let buffers = (0..<random.number(1...60)).map { _ in
            let first = random.number(-1...40)
            return ArenaLayout.Buffer(
                bytes: random.number(0...5) == 0 ? 0 : random.number(1...5000),
                first: first,
                last: first + random.number(0...12)
            )
        }
        check(buffers, ArenaLayout(buffers), "seed \(seed)")
    }

    @Test("A chain needs two neighbours at a time")
    func chain() {
        let sizes = [1000, 4000, 2000, 3000, 500, 64]
        let buffers = sizes.indices.map { ArenaLayout.Buffer(bytes: sizes[$0], first: $0, last: $0 + 1) }
        let layout = ArenaLayout(buffers)
        check(buffers, layout, "chain")
        #expect(layout.byteCount == layout.aliveBytesMax + ArenaLayout.alignment)
    }

    @Test("Nothing at all", arguments: [[], [ArenaLayout.Buffer(bytes: 0, first: 0, last: 9)]])
    func nothing(_ buffers: [ArenaLayout.Buffer]) {
        #expect(ArenaLayout(buffers).byteCount == ArenaLayout.alignment)
    }

    @Test("Plans of random graphs, for batches of any size", arguments: 0..<16)
    func graphs(_ seed: Int) throws {
        let plan = try RandomModel(seed: UInt64(seed)).quantized().model.plan
        for rows in [1, 3, 64] {
            let layout = try plan.layout(rows: rows)
            var first = [Int: Int]()
            var last = [Int: Int]()
            for (index, step) in plan.steps.enumerated() {
                let output = plan.values[step.output].buffer
                first[output] = min(first[output] ?? index, index)
                for value in step.inputs + [step.output] { last[plan.values[value].buffer] = index }
            }
            for output in plan.outputs { last[plan.values[output.value].buffer] = plan.steps.count }
            let roots = plan.values.indices.filter { plan.values[$0].buffer == $0 }
            let buffers = roots.map {
                ArenaLayout.Buffer(
                    bytes: plan.values[$0].rowBytes * rows,
                    first: first[$0] ?? -1,
                    last: last[$0] ?? -1
                )
            }
            for (index, value) in plan.values.enumerated() {
                #expect(layout.offsets[index] == layout.offsets[value.buffer])
            }
            check(buffers, roots.map { layout.offsets[$0] }, layout.byteCount, "seed \(seed), \(rows) rows")
        }
    }

    @Test("More rows than memory may hold are refused")
    func tooMany() throws {
        let model = try Example.regression(seed: 1).quantized().model
        for batch in [Int.min, 0, 1 << 40, .max] {
            #expect(throws: InferenceError.self) { _ = try model.plan.layout(rows: batch == 0 ? -1 : batch) }
            #expect(throws: InferenceError.self) { _ = try model.makeSession(batch: batch) }
        }
        for threads in [Int.min, 0, 65, .max] {
            #expect(throws: InferenceError.self) { _ = try model.makeSession(threads: threads) }
        }
    }

    private func check(_ buffers: [ArenaLayout.Buffer], _ layout: ArenaLayout, _ note: String) {
        check(buffers, layout.offsets, layout.byteCount, note)
        #expect(layout.byteCount >= layout.aliveBytesMax, "\(note)")
    }

    private func check(_ buffers: [ArenaLayout.Buffer], _ offsets: [Int], _ byteCount: Int, _ note: String) {
        for (a, first) in buffers.enumerated() where first.bytes > 0 {
            #expect(offsets[a] % ArenaLayout.alignment == 0, "\(note)")
            #expect(offsets[a] >= 0 && offsets[a] + first.bytes + ArenaLayout.alignment <= byteCount, "\(note)")
            for (b, second) in buffers.enumerated() where b > a && second.bytes > 0 {
                guard first.first <= second.last, second.first <= first.last else { continue }
                let isApart = offsets[a] + first.bytes <= offsets[b] || offsets[b] + second.bytes <= offsets[a]
                #expect(isApart, "\(note): \(a) and \(b)")
            }
        }
    }
}
