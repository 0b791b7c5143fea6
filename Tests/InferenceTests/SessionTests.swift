import CAllocations
import Inference
import Quantization
import Testing

@Suite("Sessions share a model and nothing else")
struct SessionTests {
    @Test("Many tasks at once, with sessions of their own and through predict")
    func parallel() async throws {
        let random = RandomModel(seed: 4)
        let model = try random.quantized().model
        let expected = try model.predict(random.inputs, rows: random.rows)
        let width = model.inputCount
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for task in 0..<8 {
                group.addTask {
                    guard task % 2 == 0 else {
                        for _ in 0..<10 {
                            guard try model.predict(random.inputs, rows: random.rows) == expected else { return false }
                        }
                        return true
                    }
                    var session = try model.makeSession(threads: 1 + task % 3)
                    for row in 0..<random.rows {
                        let input = Array(random.inputs[row * width..<(row + 1) * width])
                        let outputs = model.outputCount
                        guard
                            try session.run(input, rows: 1)
                                == Array(expected[row * outputs..<(row + 1) * outputs])
                        else { return false }
                    }
                    return true
                }
            }
            for try await isEqual in group { #expect(isEqual) }
        }
    }

    @Test("Bytes in and bytes out, the same as by floats")
    func bytes() throws {
        let random = RandomModel(seed: 5)
        let model = try random.quantized().model
        let plan = model.plan
        var session = try model.makeSession(batch: random.rows)
        let expected = try session.run(random.inputs, rows: random.rows)
        let encoding = try #require(plan.inputs[0].encoding)
        var output = [UInt8](repeating: 0, count: random.rows * plan.outputBytes)
        try session.run(bytes: encoding.quantize(random.inputs), rows: random.rows, into: &output)
        let first = plan.values[plan.outputs[0].value]
        if case .bytes(let encoding) = first.storage, plan.outputs.count == 1 {
            #expect(output.map(encoding.dequantize) == expected)
        } else {
            #expect(output.contains { $0 != 0 })
        }
    }

    @Test("What does not fit is refused")
    func refusals() throws {
        let random = RandomModel(seed: 6)
        let model = try random.quantized().model
        var session = try model.makeSession(batch: 2)
        let row = [Float](repeating: 0, count: model.inputCount)
        #expect(throws: InferenceError.inputCount(expected: model.inputCount, actual: model.inputCount + 1)) {
            _ = try session.run(row + [0], rows: 1)
        }
        #expect(throws: InferenceError.self) { _ = try session.run(row + row + row, rows: 3) }
        #expect(throws: InferenceError.self) { _ = try session.run([], rows: -1) }
        var room: [Float] = []
        #expect(throws: InferenceError.outputCount(expected: model.outputCount, actual: 0)) {
            try session.run(row, rows: 1, into: &room)
        }
        #expect(try session.run([], rows: 0) == [])
    }

    @Test("Every step is shown, in order")
    func hook() throws {
        let random = RandomModel(seed: 7)
        let model = try random.quantized().model
        var session = try model.makeSession()
        var seen: [Int] = []
        _ = try session.run(Array(random.inputs[..<model.inputCount]), rows: 1) { seen.append($0) }
        #expect(seen == Array(-1...model.steps.count))
        #expect(model.steps.map(\.node) == model.plan.steps.map(\.node))
        #expect(model.steps.reduce(0) { $0 + $1.packedBytes } == model.packedBytes)
    }

    @Test("A run allocates nothing", arguments: [1, 3])
    func allocations(_ threads: Int) throws {
        for seed in 8..<14 {
            let random = RandomModel(seed: UInt64(seed))
            let model = try random.quantized().model
            var session = try model.makeSession(threads: threads)
            let input = Array(random.inputs[..<model.inputCount])
            var output = [Float](repeating: 0, count: model.outputCount)
            try session.run(input, rows: 1, into: &output)
            let before = hexloop_allocations()
            for _ in 0..<10 { try session.run(input, rows: 1, into: &output) }
            #expect(hexloop_allocations() == before, "seed \(seed)")
        }
        let before = hexloop_allocations()
        let array = [UInt8](repeating: 1, count: threads + 100)
        #expect(hexloop_allocations() > before && array.count > 100, "allocations are not counted")
    }
}
