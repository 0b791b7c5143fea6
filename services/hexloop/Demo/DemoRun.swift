import Bus
import Events
import Inference
import Membership
import ModelContainer
import ModelGraph
import Pipelines

/// What the demo does.
struct DemoPlan: Sendable {
    let pipeline: Pipeline
    let feed: MarketFeed
    /// Days of the series that the first model is trained on, and that are replayed.
    let history: Range<Int>
    let days: Range<Int>
    let rate: Double
    let holds: Bool

    /// Replayed days whose next day is known.
    var labelled: Range<Int> { days.lowerBound..<min(days.upperBound, feed.series.prices.count - 1) }

    /// A day as the model sees it.
    func features(_ day: Int) throws -> [Float] {
        try pipeline.features(from: [feed.input: feed.series.window(day)])
    }
}

/// What came of it.
struct DemoRecord: Sendable {
    var answers: [String: DemoWatcher.Answer]
    var contradictions: Set<String>
    var laps: [Lap]
    var decayDays: [String: String]
    var first: ServedModel
    /// int8 models and the float models they were made from, by the int8 digest.
    var models: [String: (quantized: QuantizedModel, float: FloatInterpreter)]
    /// Days without an answer.
    var lost: [String]
    var readyAfter: Duration
    /// After start, this program included.
    var memory: ResidentMemory

    /// Laps that a decay began and that put a new model on every node.
    var lapsClosed: Int { laps.count { $0.cause == "decay.detected" && $0.lastNode != nil } }
}

/// The part of the demo in which the stack runs.
struct DemoRun: Sendable {
    let plan: DemoPlan
    let stack: Stack

    private static let firstModelMax: Duration = .seconds(120)
    private static let silenceMax: Duration = .seconds(30)
    /// A day that no node answers, because none runs, holds the next day up by no more than this.
    private static let answerPatience: Duration = .milliseconds(500)

    private var terminal: Terminal { stack.terminal }
    private var series: PriceSeries { plan.feed.series }

    func run() async throws -> DemoRecord {
        try await stack.run { supervisor in
            try await stack.showReady(supervisor)
            terminal.line("gateway at http://127.0.0.1:\(stack.gatewayPort)/status, data in \(stack.place.data)")
            let memory = Stack.residentMemory(await supervisor.children)
            let connection = try await BusConnection.open(stack.place, name: "demo")
            defer { connection.close() }
            let watcher = DemoWatcher(terminal)
            return try await withThrowingTaskGroup(of: DemoRecord?.self) { group in
                defer { group.cancelAll() }
                group.addTask {
                    try await watcher.run(connection)
                    return nil
                }
                group.addTask {
                    try await firstModel(connection, watcher)
                    try await replay(watcher)
                    return try await record(
                        connection,
                        watcher,
                        readyAfter: await supervisor.readyAfter ?? .zero,
                        memory: memory
                    )
                }
                while let result = try await group.next() {
                    if let result { return result }
                }
                throw CommandError("the demo lost the bus")
            }
        }
    }

    // MARK: Steps

    private func title(_ text: String) {
        terminal.line()
        terminal.line(terminal.paint(text, .bold))
    }

    private func firstModel(_ connection: BusConnection, _ watcher: DemoWatcher) async throws {
        let (first, last) = (series.dates[plan.history.lowerBound], series.dates[plan.history.upperBound - 1])
        title("The first model learns from \(plan.history.count) days, \(first) to \(last)")
        let name = plan.pipeline.name
        _ = try await PipelineFile.push(name, plan.pipeline.canonicalJSON(), over: connection)
        let began = ContinuousClock.now
        let bar = ProgressBar(terminal, "history", total: plan.history.count)
        try await PipelinedPublisher.run(stack.place, name: "history-load") { publisher in
            try await plan.feed.load(plan.history, over: publisher) { if terminal.isScreen { bar.step() } }
        }
        bar.finish()
        terminal.line("\(plan.history.count) examples are in the log after \((ContinuousClock.now - began).short)")
        let run = "run-first"
        try await connection.publish(
            TrainingRequested(pipeline: name, reason: "the first model of the demo"),
            runID: run
        )
        switch try await watcher.ending(of: run, timeout: Self.firstModelMax) {
        case .served: break
        case .without(let reason): throw CommandError("there is no first model: \(reason)")
        case nil:
            throw CommandError(
                "there is no first model after \(Self.firstModelMax.short); look into \(stack.place.logDirectory)"
            )
        }
    }

    private func replay(_ watcher: DemoWatcher) async throws {
        let (first, last) = (series.dates[plan.days.lowerBound], series.dates[plan.days.upperBound - 1])
        title("Another system tells of \(plan.days.count) days, \(first) to \(last), labels one day late")
        terminal.line(
            plan.holds
                ? "A real day is 24 h: the replay's clock waits for each day's answer, and while a lap is open."
                : "The replay's clock does not wait for laps: at \(plan.rate.short) days per second they seem slow."
        )
        let bar = ProgressBar(terminal, "replay", total: plan.days.count)
        try await PipelinedPublisher.run(stack.place, name: "market") { publisher in
            try await plan.feed.replay(plan.days, daysPerSecond: plan.rate, over: publisher) { before in
                guard plan.holds else { return }
                if let before {
                    try await watcher.wait(forAnswerTo: series.dates[before], patience: Self.answerPatience)
                }
                try await watcher.hold.wait { terminal.line(terminal.paint($0, .yellow)) }
            } published: { day in
                let error = watcher.rollingError.map { "rolling MAE \($0.fixed(2))" } ?? ""
                bar.update(
                    day - plan.days.lowerBound + 1,
                    "\(series.dates[day])  \(series.prices[day].fixed(2).leftPadded(6)) USD  \(error)"
                )
            }
        }
        bar.finish()
        try await waitForAnswers(watcher)
        if plan.holds { try await watcher.hold.wait { terminal.line(terminal.paint($0, .yellow)) } }
    }

    private func waitForAnswers(_ watcher: DemoWatcher) async throws {
        var known = watcher.answered
        var deadline = ContinuousClock.now + Self.silenceMax
        while known < plan.days.count, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(10))
            if watcher.answered > known {
                known = watcher.answered
                deadline = .now + Self.silenceMax
            }
        }
    }

    private func record(
        _ connection: BusConnection,
        _ watcher: DemoWatcher,
        readyAfter: Duration,
        memory: ResidentMemory
    ) async throws -> DemoRecord {
        let laps = try await connection.ask(RegistryQuery(.laps, pipeline: plan.pipeline.name), LapsAnswer.self).laps
        let history = try await connection.ask(
            RegistryQuery(.history, pipeline: plan.pipeline.name),
            HistoryAnswer.self
        )
        let champions = history.served.filter { $0.alias == "champion" }.sorted { $0.from < $1.from }
        guard let first = champions.first else { throw CommandError("the registry knows of no champion") }
        let answers = watcher.answers
        var models: [String: (quantized: QuantizedModel, float: FloatInterpreter)] = [:]
        for digest in Set(answers.values.map(\.digest) + [first.digest]) {
            models[digest] = try await model(digest)
        }
        return DemoRecord(
            answers: answers,
            contradictions: watcher.contradictions,
            laps: laps,
            decayDays: watcher.decayDays,
            first: first,
            models: models,
            lost: plan.days.map { series.dates[$0] }.filter { answers[$0] == nil },
            readyAfter: readyAfter,
            memory: memory
        )
    }

    private func model(_ digest: String) async throws -> (quantized: QuantizedModel, float: FloatInterpreter) {
        let container = try await container(digest)
        guard let parent = container.manifest.lineage?.parent else {
            throw CommandError("model \(digest.shortID) does not say which float model it was made from")
        }
        return (try QuantizedModel(container), try FloatInterpreter(try await self.container(parent).graph))
    }

    private func container(_ digest: String) async throws -> ModelContainer {
        let container = try ModelContainer(
            parsing: try await ArtifactClient(stack.place.artifacts, keyPath: stack.place.keyPath).download(digest)
        )
        guard container.digest == digest else {
            throw CommandError("the registry sent \(container.digest.shortID) for artifact \(digest.shortID)")
        }
        return container
    }
}
