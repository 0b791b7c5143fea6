import Decay
import Events
import Pipelines
import Testing

@testable import Monitoring

@Suite("The watch over a champion")
struct WatchTests {
    @Test("An empty section is enough: a worse metric is one event, with its evidence, and its end is another")
    func episode() throws {
        // The mean of |N(0, 1)| is 0.8.
        var world = try World(World.regression("window: 50"), baseline: 0.8)
        for _ in 0..<400 { try world.step() }
        #expect(world.detected.isEmpty)
        for _ in 0..<200 { try world.step(scale: 4) }
        let event = try #require(world.detected.first)
        #expect(world.detected.count == 1)
        let figures = event.figures
        #expect(figures.detector == "threshold" || figures.detector == "sequential")
        #expect(figures.severity == .critical)
        let interval = try #require(figures.interval)
        #expect(interval.low < figures.value && figures.value < interval.high)
        #expect(interval.low > figures.baseline)
        #expect(try #require(figures.pValue) < 0.025)
        #expect(figures.labels ?? 0 > 400)
        #expect(figures.labelledShare == 1)
        #expect(figures.episode == 1)
        #expect(figures.cooldownSeconds == 30)
        #expect(figures.firstSuspectAt != nil)
        #expect(!world.persisted.isEmpty && world.persisted.allSatisfy { $0.figures.episode == 1 })
        #expect(world.persisted.map { $0.figures.repeats } == (1...world.persisted.count).map { $0 })
        for _ in 0..<200 { try world.step() }
        #expect(world.cleared.count == 1)
        #expect(world.detected.count == 1)
    }

    @Test("A change that no level reaches is found by the sequential detector, once")
    func sequential() throws {
        var world = try World(World.regression("near: 10x baseline, breach: 20x baseline"), baseline: 0.8)
        for _ in 0..<600 { try world.step() }
        for _ in 0..<400 { try world.step(scale: 2) }
        let figures = try #require(world.detected.first).figures
        #expect(world.detected.count == 1)
        #expect(figures.detector == "sequential")
        #expect(try #require(figures.eValue) > 1e5)
        #expect(figures.window < 400)
        let start = try #require(figures.firstSuspectAt)
        #expect(abs(start.seconds - (World.start + 600 * 60)) < 100 * 60)
    }

    @Test("Nothing changed: nothing is detected", arguments: [1, 2, 3] as [UInt64])
    func quiet(seed: UInt64) throws {
        var world = try World(World.regression("near: 3x baseline, breach: 4x baseline"), baseline: 0.8, seed: seed)
        for _ in 0..<3000 { try world.step() }
        #expect(world.detected.isEmpty)
        #expect(world.suspected.isEmpty)
    }

    @Test("Inputs that change while labels show no harm are said, and nothing is trained for them")
    func harmlessInputs() throws {
        var world = try World(World.regression("window: 50"), baseline: 0.8)
        for _ in 0..<600 { try world.step() }
        for _ in 0..<600 { try world.step(shift: 2) }
        #expect(world.detected.isEmpty)
        let drift = world.suspected.filter { $0.figures.detector == "drift" }
        #expect(drift.count == 1, "one episode is one event")
        let figures = try #require(drift.first).figures
        #expect(figures.cause == "inputs")
        #expect(figures.severity == .info)
        #expect(figures.message.contains("labels show no harm"))
        #expect(figures.features?.isEmpty == false)
    }

    @Test("The cause is the inputs when they changed with the metric, and the concept when they did not")
    func causes() throws {
        var inputs = try World(World.regression(features: 3), baseline: 0.8)
        for _ in 0..<600 { try inputs.step() }
        for _ in 0..<80 { try inputs.step(shift: 3, scale: 4) }
        let first = try #require(inputs.detected.first).figures
        #expect(first.cause == "inputs" || first.message.contains("inputs"))

        var concept = try World(World.regression(features: 3), baseline: 0.8)
        for _ in 0..<600 { try concept.step() }
        for _ in 0..<80 { try concept.step(scale: 4) }
        #expect(try #require(concept.detected.first).figures.cause == "concept")
    }

    @Test("The feature that changed is named first")
    func topFeature() throws {
        let monitor = "window: 50, inputs: [ks], drift: {window: 100 rows}"
        var world = try World(World.regression(monitor, features: 5), baseline: 0.8)
        for index in 0..<1500 {
            var row = (0..<5).map { _ in world.generator.normal() }
            if index >= 1000 { row[3] += 1.5 }
            let answer = try world.predict(row)
            try world.label(answer, world.generator.normal())
        }
        let figures = try #require(world.suspected.first).figures
        #expect(world.suspected.count == 1)
        #expect(figures.detector == "ks")
        #expect(figures.features?.first?.feature == "x3")
        #expect(try #require(figures.features?.first?.pValue) < 0.001)
    }

    @Test("A season is no drift for a seasonal reference")
    func seasons() throws {
        let monitor = "window: 50, inputs: [psi], drift: {reference: seasonal, season: 1d}"
        var world = try World(World.regression(monitor, features: 1), baseline: 0.8)
        for index in 0..<(1440 * 4) {
            let hour = Double(index % 1440) / 1440
            let answer = try world.predict([world.generator.normal() + (hour < 0.5 ? 0 : 3)])
            try world.label(answer, world.generator.normal())
        }
        #expect(world.suspected.isEmpty)
        for _ in 0..<1440 { try world.step(shift: 1.5) }
        #expect(world.suspected.count == 1)
    }

    @Test("Values out of the training range are said once; so are refused observations, with the reason")
    func ranges() throws {
        var world = try World(World.regression("inputs: [out-of-range]"), baseline: 0.8)
        for _ in 0..<30 { try world.step() }
        _ = try world.predict([50, 0])
        _ = try world.predict([60, 0])
        #expect(world.suspected.map { $0.figures.detector } == ["out-of-range"])
        #expect(world.suspected.first?.figures.features?.first?.feature == "x0[0]")
        for _ in 0..<2 {
            world.index += 1
            let findings = world.watch.refuse(
                feature: "x0",
                value: 900,
                isMissing: false,
                reason: "x0[0]: 900.0 is refused; accepted: at most 100.0",
                key: "bad",
                at: world.now
            )
            world.found += findings.map { (world.index, $0) }
        }
        let refused = world.suspected.filter { $0.figures.detector == "out-of-schema" }
        #expect(refused.count == 1)
        #expect(refused.first?.figures.cause == "quality")
        #expect(refused.first?.figures.severity == .critical)
        #expect(refused.first?.figures.breach == 100)
    }

    @Test("A part that is worse than the rest is said, with its name")
    func parts() throws {
        var world = try World(World.regression("slices: [{by: x0, at: [0]}]"), baseline: 0.8)
        for index in 0..<300 {
            world.node = index % 10 == 0 ? "node-2" : "node-1"
            let answer = try world.predict([world.generator.normal(), 0])
            try world.label(answer, world.generator.normal() * (index % 10 == 0 ? 6 : 0.5))
        }
        let part = try #require(world.suspected.first { $0.figures.detector == "part" }).figures
        #expect(part.metric.contains("node=node-2"))
        let names = world.watch.overview().values.map(\.part)
        #expect(names == ["all", "node=node-1", "node=node-2", "x0=..<0", "x0=0..."])
    }

    @Test("A rising metric is forecast, with books; a level one is not")
    func forecast() throws {
        var world = try World(World.regression("window: 50, detectors: [threshold]"), baseline: 0.8)
        for _ in 0..<300 { try world.step() }
        #expect(world.forecasts.isEmpty)
        for index in 0..<400 { try world.step(scale: 1 + Double(index) / 200) }
        let first = try #require(world.forecasts.first)
        #expect(first.earliest <= first.samples && first.samples <= first.latest)
        #expect(first.threshold == 1.6)
        #expect(first.message.contains("80 %"))
        #expect(world.watch.overview().record.crossings >= 1)
        try world.promote("d2")
        #expect(world.watch.overview().record.crossings >= 1, "the books go on with the next champion")
    }

    @Test("A new champion has a new watch, and the newest inputs are its reference")
    func promotion() throws {
        var world = try World(World.regression("window: 50"), baseline: 0.8)
        for _ in 0..<600 { try world.step() }
        for _ in 0..<300 { try world.step(shift: 3, scale: 4) }
        #expect(world.detected.count == 1)
        try world.promote("d2", baseline: 0.8)
        let reference = world.watch.overview().features.compactMap(\.referenceMedian)
        #expect(reference.allSatisfy { abs($0 - 3) < 0.5 })
        let before = world.suspected.count
        for _ in 0..<400 { try world.step(shift: 3) }
        #expect(world.cleared.count == 1, "the new champion ends the episode")
        #expect(world.suspected.count == before, "the inputs are as the reference has them")
        #expect(world.detected.count == 1)
    }

    @Test("A baseline can be learned")
    func learnedBaseline() throws {
        var world = try World(World.regression("baseline: 200 predictions"), baseline: 100)
        for _ in 0..<150 { try world.step() }
        #expect(world.watch.overview().values[0].zone == "unknown")
        for _ in 0..<150 { try world.step() }
        #expect(abs((world.watch.overview().values[0].baseline ?? 0) - 0.8) < 0.15)
        for _ in 0..<60 { try world.step(scale: 4) }
        #expect(world.detected.count == 1)
    }

    @Test("Restarts between any two events change nothing", arguments: [1, 2] as [UInt64])
    func restarts(seed: UInt64) throws {
        func run(isRestarted: Bool) throws -> [String] {
            var world = try World(
                World.regression("slices: [{by: hour}, {by: x1}], inputs: [out-of-range, drift, ks, psi]"),
                baseline: 0.8,
                seed: seed
            )
            world.isRestarted = isRestarted
            for _ in 0..<330 { try world.step() }
            for _ in 0..<150 { try world.step(shift: 2, scale: 3) }
            try world.promote("d2")
            for _ in 0..<60 { try world.step(shift: 2) }
            _ = try world.predict([1e4, 0])
            for _ in 0..<300 { try world.label(world.predict([1, 1]), 0) }
            return world.transcript
        }
        let whole = try run(isRestarted: false)
        #expect(!whole.isEmpty)
        #expect(try run(isRestarted: true) == whole)
    }
}

@Suite("Labels and windows")
struct LabelTests {
    @Test("A window is told when its labels are there or no longer waited for; under the minimum it is unknown")
    func windows() throws {
        var world = try World(World.regression("period: 1h, label-timeout: 2h, min-labels: 15"), baseline: 0.8)
        var waiting: [PipelineWatch.Answer] = []
        for _ in 0..<60 { waiting.append(try world.predict([0, 0])) }
        for answer in waiting.prefix(10) { try world.label(answer, 1) }
        for _ in 0..<240 { _ = try world.predict([0, 0]) }
        let first = try #require(world.reconciled.first)
        #expect(world.detected.isEmpty && world.suspected.isEmpty)
        #expect(first.labelled == 10)
        #expect(first.realized == nil && first.interval == nil)
        #expect(first.message.contains("unknown"))
        #expect(!first.isCorrection)
        // Ten more come after the time-out: they count as late and correct the window.
        for answer in waiting.dropFirst(10).prefix(10) { try world.label(answer, 1) }
        let corrected = try #require(world.reconciled.last { $0.isCorrection })
        #expect(corrected.from == first.from)
        #expect(corrected.late > 0)
        #expect(world.watch.overview().labelsLate == 10)
        #expect(world.reconciled.contains { $0.isCorrection && $0.realized == 1 })
    }

    @Test("A label that is replaced corrects its window and the rolling value")
    func corrections() throws {
        var world = try World(World.regression("window: 10, period: 1h"), baseline: 1)
        var answers: [PipelineWatch.Answer] = []
        for _ in 0..<10 {
            let answer = try world.predict([0, 0])
            answers.append(answer)
            try world.label(answer, 1)
        }
        #expect(world.watch.overview().values[0].value == 1)
        _ = world.watch.correct(answers[9], from: 1, to: 0, at: world.now)
        let overview = world.watch.overview()
        #expect(overview.values[0].value == 0.9)
        #expect(overview.labelsCorrected == 1)
        #expect(overview.windows.first?.value == 0.9)
    }

    @Test("The estimate of a classifier follows its inputs, and is withdrawn when labels contradict it")
    func estimates() throws {
        var world = try World(World.classification("near: 3x baseline, breach: 4x baseline"), baseline: 0.2)
        func step(_ world: inout World, confidence: Double, rightness: Double) throws {
            let answer = try world.predict(
                [world.generator.normal()],
                outputs: [Float(confidence), Float(1 - confidence)]
            )
            try world.label(answer, world.generator.uniform() < rightness ? 0 : 1)
        }
        for _ in 0..<400 {
            let sure = world.generator.uniform() < 0.5
            try step(&world, confidence: sure ? 0.95 : 0.65, rightness: sure ? 0.95 : 0.65)
        }
        for _ in 0..<600 { try step(&world, confidence: 0.65, rightness: 0.65) }
        let estimate = try #require(world.watch.overview().estimate)
        #expect(estimate.isTrusted)
        #expect(abs((estimate.value ?? 0) - 0.35) < 0.06)
        // What the model is sure of becomes wrong: nothing in its inputs says so.
        for _ in 0..<1500 { try step(&world, confidence: 0.95, rightness: 0.6) }
        #expect(world.watch.overview().estimate?.isTrusted == false)
        let withdrawn = world.suspected.filter { $0.figures.detector == "estimate-trust" }
        #expect(withdrawn.count == 1)
        #expect(withdrawn.first?.figures.cause == "calibration")
        #expect(world.reconciled.allSatisfy { $0.isTrusted || $0.estimate == nil })
    }
}

@Suite("Bounds of the monitor's memory")
struct MemoryTests {
    @Test("A feature's state has at most 12 kB however many rows there were")
    func features() throws {
        var world = try World(World.regression("inputs: [drift, ks, psi], drift: {reference-rows: 100000 rows}"))
        for _ in 0..<20_000 {
            _ = world.watch.observe(
                row: [Float(world.generator.normal()), Float(world.generator.normal())],
                key: "k",
                at: world.now
            )
            world.index += 1
        }
        for feature in world.watch.inputs.features {
            #expect(feature.window.reference.retained * 8 + feature.window.newest.count * 4 < 9_000)
        }
    }
}
