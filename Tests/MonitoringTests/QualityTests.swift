import Decay
import Events
import Foundation
import Testing

@testable import Monitoring

@Suite("The quality of a champion's inputs")
struct QualityTests {
    @Test("Constants that vary are one event for all features; so is a category that was never seen")
    func quality() throws {
        var world = try World(World.regression("inputs: []", features: 3), baseline: 0.8)
        func row(_ world: inout World, _ constant: Double, _ category: Double) throws {
            let answer = try world.predict([world.generator.normal(), constant, category])
            try world.label(answer, world.generator.normal())
        }
        for index in 0..<600 { try row(&world, 5, Double(index % 3)) }
        #expect(world.suspected.isEmpty)
        try row(&world, 6, 1)
        #expect(world.suspected.map { $0.figures.detector } == ["constant"])
        #expect(world.suspected.last?.figures.features?.map(\.feature) == ["x1"])
        for index in 0..<20 { try row(&world, Double(index), 1) }
        #expect(world.suspected.count == 1)
        try row(&world, 3, 7)
        #expect(world.suspected.last?.figures.detector == "unseen")
        #expect(world.suspected.last?.figures.features?.map(\.feature) == ["x2"])
    }

    @Test("A sensor that sticks is stale, and rows that come again are duplicates; each is said once")
    func stuck() throws {
        var world = try World(World.regression("inputs: [], estimate: off"), baseline: 0.8)
        for _ in 0..<600 { try world.step() }
        for _ in 0..<100 { try world.label(world.predict([world.generator.normal(), 1.5]), 0) }
        #expect(world.suspected.map { $0.figures.detector } == ["stale"])
        #expect(world.suspected.first?.figures.features?.map(\.feature) == ["x1"])
        let rows = (0..<10).map { _ in [world.generator.normal(), world.generator.normal()] }
        for index in 0..<700 { try world.label(world.predict(rows[index % 10]), 0) }
        #expect(world.suspected.dropFirst().map { $0.figures.detector } == ["duplicate"])
        #expect((world.suspected.last?.figures.value ?? 0) > 0.2)
        #expect(world.suspected.last?.figures.baseline == 0)
    }

    @Test("An outlier is said once, with the value before it and what was expected; a level that moves is none")
    func outliers() throws {
        var world = try World(World.regression("inputs: []", features: 3), baseline: 0.8)
        var level = 0.0
        func row(_ world: inout World, _ value: Double) throws {
            level += world.generator.normal()
            try world.label(world.predict([world.generator.normal(), level, value]), 0)
        }
        for _ in 0..<3000 { try row(&world, world.generator.normal()) }
        #expect(world.suspected.isEmpty)
        for value in [0, 1e6, 0, 40, 0, 0] { try row(&world, value) }
        let figures = try #require(world.suspected.first?.figures)
        #expect(world.suspected.count == 1)
        #expect([figures.detector, figures.cause, figures.metric] == ["outlier", "quality", "x2"])
        #expect([figures.value, figures.baseline] == [1e6, 0])
        #expect(figures.near < -8 && figures.near > -20 && figures.breach > 8 && figures.breach < 20)
        #expect(figures.severity == .warning)
        // The same trouble under the next champion is the same episode.
        try world.promote("d2")
        for value in [0, 1e6, 0] { try row(&world, value) }
        #expect(world.suspected.count == 1)
        for _ in 0..<100 { try row(&world, world.generator.normal()) }
        try row(&world, 1e6)
        #expect(world.suspected.count == 2)
    }

    @Test("Where outliers keep coming they are soon no news")
    func longTails() throws {
        var world = try World(World.regression("inputs: []", features: 8), baseline: 0.8)
        for _ in 0..<20_000 {
            let row = (0..<8).map { _ in
                // Student's t with two degrees of freedom: its variance is infinite.
                world.generator.normal() / (-log(Double.random(in: 0..<1, using: &world.generator))).squareRoot()
            }
            try world.label(world.predict(row), 0)
        }
        #expect((1...40).contains(world.suspected.count), "\(world.suspected.count)")
    }

    @Test("The oil price's outliers of 2019 to 2021 are told on their days, the two of April 2020 as one")
    func oilPrice() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../examples/oil-price/wti-daily.csv")
        var world = try World(World.regression("inputs: []", features: 1), baseline: 0.8)
        var days: [String] = []
        for line in try String(contentsOf: file, encoding: .utf8).split(whereSeparator: \.isNewline).dropFirst() {
            let cells = line.split(separator: ",")
            guard let day = cells.first, let price = cells.last.flatMap({ Double($0) }) else { continue }
            guard day >= "2015", day < "2022" else { continue }
            let count = world.suspected.count
            _ = try world.predict([price])
            if world.suspected.count > count { days.append(String(day)) }
        }
        #expect(days == ["2019-09-16", "2020-03-09", "2020-04-20", "2021-11-29"])
    }
}
