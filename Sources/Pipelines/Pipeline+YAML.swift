extension Pipeline {
    private static let keys = [
        "pipeline", "automation", "task", "data", "train", "shadows", "quantize", "gates", "rollout", "monitor",
        "policy",
    ]

    /// Limits of a pipeline file.
    static let inputsMax = 256
    static let featureCountMax = 65_536
    static let shadowsMax = 16

    /// Reads a pipeline file.
    ///
    /// `pipeline`, `task` and `data` must be there; each other key has the default named at its property. A key that is
    /// not known is an error, so that a typing error never leaves a default in force.
    ///
    /// - Throws: ``PipelineError`` with the path of the key, its line, its value and what is accepted.
    public init(yaml: String) throws(PipelineError) { try self.init(Document(yaml: yaml)) }

    /// Reads and checks a document, wherever it came from.
    init(_ document: Document) throws(PipelineError) {
        let root = try Section(document, "", keys: Self.keys)
        name = try Self.pipelineName(root.required("pipeline", "the name of the pipeline"))
        automation = try root.optional("automation")?.choice(Automation.self) ?? .automatic
        task = try Task(root.required("task", "what the model does"))
        data = try DataSource(root.required("data", "where observations and labels come from"), task)
        train = try TrainSettings(
            root.section("train", keys: TrainSettings.keys),
            task.kind
        )
        shadows = try Self.shadows(root.optional("shadows"))
        quantize = try QuantizeSettings(root.section("quantize", keys: QuantizeSettings.keys))
        gates = try Gates(root.section("gates", keys: Gates.keys), task)
        rollout = try Rollout(root.section("rollout", keys: Rollout.keys))
        monitor = try MonitorSettings(root.section("monitor", keys: MonitorSettings.keys, isEmptyAllowed: true), task)
        policy = try Policy(root.section("policy", keys: Policy.keys), monitor)
    }

    private static func pipelineName(_ field: Field) throws(PipelineError) -> String {
        let allowed = "lower-case letters, digits and '-', first a letter, up to 63 characters"
        let text = try field.text(allowed)
        let isName = text.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
        guard isName, text.utf8.count <= 63, let first = text.utf8.first, (97...122).contains(first) else {
            throw field.refused(allowed)
        }
        return text
    }

    private static func shadows(_ field: Field?) throws(PipelineError) -> [Shadow] {
        guard let field else { return [] }
        var shadows: [Shadow] = []
        for item in try field.list("shadows such as {name: last-250, window: 250 rows}", 0...shadowsMax) {
            let section = try Section(item.document, item.path, keys: ["name", "window"])
            let name = try section.required("name", "the name of the shadow")
            let window = try section.required("window", "latest rows, such as \"250 rows\", or \"all\"")
            let shadow = Shadow(name: try name.name(), windowRows: try window.rowsOrAll())
            guard shadow.name != "champion", !shadows.contains(where: { $0.name == shadow.name }) else {
                throw name.refused(
                    "a name that no other model of the pipeline has; the first is \"champion\"",
                    .conflict
                )
            }
            shadows.append(shadow)
        }
        return shadows
    }
}

extension Pipeline.Task {
    fileprivate init(_ field: Field) throws(PipelineError) {
        let section = try Section(field.document, field.path, keys: ["kind", "inputs", "target", "classes"])
        kind = try section.required("kind", "regression, classification").choice(Kind.self)
        inputs = try Self.inputs(section.required("inputs", "inputs such as {price: {shape: [10], unit: USD}}"))
        target = try section.required("target", "the name of the answer").name()
        let classes = try section.optional("classes")
        switch kind {
        case .regression:
            if let classes { throw classes.refused("no classes for regression", .conflict) }
            self.classes = nil
        case .classification:
            self.classes = try section.required("classes", "the number of classes, 2...10000").integer(2...10_000)
        }
    }

    private static func inputs(_ field: Field) throws(PipelineError) -> [Pipeline.Input] {
        let example = "inputs such as {price: {shape: [10], unit: USD}}"
        var inputs: [Pipeline.Input] = []
        switch field.document.content {
        case .list:
            for item in try field.list("inputs such as {name: price, shape: [10]}", 1...Pipeline.inputsMax) {
                let section = try Section(item.document, item.path, keys: ["name", "shape", "unit"])
                let name = try section.required("name", "the name of the input")
                let input = try Pipeline.Input(name.name(), section)
                guard !inputs.contains(where: { $0.name == input.name }) else {
                    throw name.refused("a name that no other input has", .conflict)
                }
                inputs.append(input)
            }
        case .mapping, .scalar:
            let entries = try field.entries(example, 1...Pipeline.inputsMax)
            guard field.document.isOrdered || entries.count == 1 else {
                throw field.refused("in JSON, where mappings have no order: [{name: price, shape: [10]}]")
            }
            for (key, value) in entries {
                let section = try Section(value.document, value.path, keys: ["shape", "unit"])
                inputs.append(try Pipeline.Input(key.name(), section))
            }
        }
        let count = inputs.reduce(0) { $0 + $1.count }
        guard count <= Pipeline.featureCountMax else {
            throw PipelineError(
                .notAllowed,
                field.path,
                value: "\(count) elements",
                allowed: "up to \(Pipeline.featureCountMax) elements in all inputs together",
                line: field.document.line
            )
        }
        return inputs
    }
}

extension Pipeline.Input {
    fileprivate init(_ name: String, _ section: Section) throws(PipelineError) {
        self.name = name
        shape = []
        let sizes = try section.required("shape", "sizes without batch, such as [10]")
        for size in try sizes.list("sizes without batch, such as [10]", 1...4) {
            shape.append(try size.integer(1...Pipeline.featureCountMax))
        }
        unit = try section.optional("unit")?.text()
        // Four sizes of at most 65536 fit an Int only just, so their product is checked before anybody multiplies more.
        guard shape.reduce(1.0, { $0 * Double($1) }) <= Double(Pipeline.featureCountMax) else {
            throw sizes.refused("up to \(Pipeline.featureCountMax) elements")
        }
    }
}

extension Pipeline.DataSource {
    fileprivate init(_ field: Field, _ task: Pipeline.Task) throws(PipelineError) {
        let section = try Section(field.document, field.path, keys: ["observations", "labels", "schema"])
        observations = try section.required("observations", "the subject of the observations").segment(127)
        labels = try section.required("labels", "the subject of the labels").segment(127)
        schema = []
        guard let limits = try section.optional("schema") else { return }
        let known = task.inputs.map(\.name)
        var found: [Pipeline.FeatureSchema] = []
        for (key, value) in try limits.entries("limits such as {price: {min: -100, max: 500}}", 0...Pipeline.inputsMax)
        {
            let name = try key.name()
            guard known.contains(name) else {
                throw PipelineError(
                    .unknownKey,
                    key.path,
                    value: value.document.summary,
                    allowed: known.joined(separator: ", "),
                    suggestion: nearest(to: name, in: known),
                    line: value.document.line
                )
            }
            found.append(try Pipeline.FeatureSchema(name, value))
        }
        schema = known.compactMap { name in found.first { $0.name == name } }
    }
}

extension Pipeline.FeatureSchema {
    fileprivate init(_ name: String, _ field: Field) throws(PipelineError) {
        let section = try Section(field.document, field.path, keys: ["min", "max", "missing"])
        let all = -Double(Float.greatestFiniteMagnitude)...Double(Float.greatestFiniteMagnitude)
        self.name = name
        min = try section.optional("min")?.number(all)
        let max = try section.optional("max")
        self.max = try max?.number(all)
        missing = try section.optional("missing")?.choice(Missing.self) ?? .refuse
        if let max, let smallest = min, let largest = self.max, largest < smallest {
            throw max.refused("at least min (\(short(smallest)))", .conflict)
        }
    }
}

extension Pipeline.TrainSettings {
    fileprivate static let keys = [
        "kind", "run", "timeout", "hidden", "loss", "epochs", "seed", "batch", "learning-rate", "patience", "window",
        "holdout",
    ]

    fileprivate init(_ section: Section, _ task: Pipeline.Task.Kind) throws(PipelineError) {
        kind = try section.optional("kind")?.choice(Kind.self) ?? .mlp
        run = []
        let command = try section.optional("run")
        let timeout = try section.optional("timeout")
        timeoutSeconds = try timeout?.duration(1...604_800) ?? 3600
        switch kind {
        case .mlp:
            if let field = command ?? timeout { throw field.refused("only with kind: command", .conflict) }
        case .command:
            let words = try section.required("run", "a command line such as [python3, train.py]")
            for word in try words.list("a command line such as [python3, train.py]", 1...64) {
                run.append(try word.text())
            }
        }
        hidden = [32, 16]
        if let layers = try section.optional("hidden") {
            hidden = []
            for layer in try layers.list("neurons per layer, such as [32, 16]", 0...8) {
                hidden.append(try layer.integer(1...4096))
            }
        }
        loss = task == .regression ? .huber : .crossEntropy
        if let field = try section.optional("loss") {
            loss = try field.choice(Loss.self)
            guard (loss == .crossEntropy) == (task == .classification) else {
                throw field.refused(task == .regression ? "huber, mse for regression" : "cross-entropy", .conflict)
            }
        }
        epochs = try section.optional("epochs")?.integer(1...10_000) ?? 60
        seed = try section.optional("seed")?.integer(0...UInt64.max) ?? 1
        batch = try section.optional("batch")?.integer(1...65_536) ?? 64
        learningRate = try section.optional("learning-rate")?.number(1e-7...1) ?? 0.001
        patience = try section.optional("patience")?.integer(0...10_000) ?? 10
        windowRows = try section.optional("window")?.rowsOrAll()
        holdoutShare = try section.optional("holdout")?.percent(0...50) ?? 0.1
    }
}

extension Pipeline.QuantizeSettings {
    fileprivate static let keys = [
        "weights", "activations", "calibration-rows", "observer", "percentile", "float-layers", "mixed-precision",
        "equalize", "bias-correction", "adaround",
    ]

    fileprivate init(_ section: Section) throws(PipelineError) {
        weights = try section.optional("weights")?.choice(Weights.self) ?? .int8PerChannel
        activations = try section.optional("activations")?.choice(Activations.self) ?? .uint8
        calibrationRows = try section.optional("calibration-rows")?.integer(1...1_000_000) ?? 512
        let observerField = try section.optional("observer")
        observer = try observerField?.choice(Observer.self) ?? .minMax
        if let observerField, observer != .minMax, activations == .int16 {
            throw observerField.refused("min-max with activations: int16, which have room for all values", .conflict)
        }
        let percentileField = try section.optional("percentile")
        percentile =
            try percentileField.map { field throws(PipelineError) in 100 * (try field.percent(50...100)) } ?? 99.99
        if let percentileField, observer != .percentile {
            throw percentileField.refused("only with observer: percentile", .conflict)
        }
        floatLayers = try section.optional("float-layers")?.choice(FloatLayers.self) ?? .allow
        mixedPrecision = try section.optional("mixed-precision")?.loss()
        equalizes = try section.optional("equalize")?.flag() ?? false
        correctsBias = try section.optional("bias-correction")?.flag() ?? false
        adaround = try section.optional("adaround")?.integer(0...Self.adaroundMax) ?? 0
    }

    /// More steps of a layer than this teach it nothing.
    static let adaroundMax = 100_000
}

extension Pipeline.Metric {
    init(_ field: Field?, _ task: Pipeline.Task.Kind) throws(PipelineError) {
        self = task == .regression ? .meanAbsoluteError : .errorRate
        guard let field else { return }
        guard try field.choice(Pipeline.Metric.self) == self else {
            throw field.refused("\(rawValue) for \(task.rawValue)", .conflict)
        }
    }
}

extension Pipeline.Gates {
    fileprivate static let keys = [
        "metric", "against", "max-quantization-drop", "golden-answers", "slices", "recent", "frozen-worse",
    ]

    fileprivate init(_ section: Section, _ task: Pipeline.Task) throws(PipelineError) {
        metric = try Pipeline.Metric(section.optional("metric"), task.kind)
        against = try section.optional("against")?.choice(Against.self) ?? .champion
        maxQuantizationDrop = try section.optional("max-quantization-drop")?.percent(0...1000) ?? 0.02
        goldenAnswers = try section.optional("golden-answers")?.integer(1...1024) ?? 16
        recentRows = try section.optional("recent")?.count("rows", 1...1_000_000) ?? 250
        frozenWorse = try section.optional("frozen-worse")?.percent(0...10_000) ?? 0.5
        slices = []
        guard let field = try section.optional("slices") else { return }
        let words = ["year", "month", "weekday", "hour"] + task.inputs.map(\.name)
        for item in try field.list("slices such as {by: year}", 0...16) {
            let slice = try Section(item.document, item.path, keys: ["by", "worse"])
            let by = try slice.required("by", words.joined(separator: ", "))
            let word = try by.text(words.joined(separator: ", "))
            guard words.contains(word) else {
                throw by.refused(words.joined(separator: ", "), suggestion: nearest(to: word, in: words))
            }
            slices.append(
                Pipeline.Slice(by: word, worse: try slice.optional("worse")?.percent(0...10_000) ?? 0.5)
            )
        }
    }
}

extension Pipeline.Rollout {
    fileprivate static let keys = ["waves", "hold", "abort-on", "reload"]

    fileprivate init(_ section: Section) throws(PipelineError) {
        waves = [.nodes(1), .share(0.25), .share(1)]
        if let field = try section.optional("waves") { waves = try Self.waves(field) }
        holdPredictions = try section.optional("hold")?.count("predictions", 0...1_000_000) ?? 50
        let abort = try section.section("abort-on", keys: ["refused", "metric-worse"])
        abortOn = Pipeline.AbortConditions(
            refused: try abort.optional("refused")?.integer(1...10_000) ?? 1,
            metricWorse: try abort.optional("metric-worse")?.percent(0...10_000) ?? 0.05
        )
        reload = try section.optional("reload")?.choice(Reload.self) ?? .push
    }

    private static func waves(_ field: Field) throws(PipelineError) -> [Pipeline.Wave] {
        let example = "steps such as [1 node, 25%, 100%]"
        var waves: [Pipeline.Wave] = []
        for item in try field.list(example, 1...32) {
            let text = try item.text(example)
            let wave: Pipeline.Wave =
                text.hasSuffix("%")
                ? .share(try item.percent(0...100)) : .nodes(try item.count("nodes", 1...100_000))
            guard wave != .share(0) else { throw item.refused("more than 0%") }
            guard wave.isAfter(waves.last) else {
                throw item.refused(
                    "a step that is larger than the one before; first node counts, then shares",
                    .conflict
                )
            }
            waves.append(wave)
        }
        guard waves.last == .share(1) else { throw field.refused("100% as the last step", .conflict) }
        return waves
    }
}

extension Pipeline.Wave {
    fileprivate func isAfter(_ previous: Pipeline.Wave?) -> Bool {
        switch (previous, self) {
        case (nil, _), (.nodes, .share): true
        case (.nodes(let before), .nodes(let count)): count > before
        case (.share(let before), .share(let share)): share > before
        case (.share, .nodes): false
        }
    }
}

extension Pipeline.Policy {
    fileprivate static let keys = ["cooldown", "runs-per-day", "min-labels", "causes", "storm", "storm-window"]

    fileprivate init(_ section: Section, _ monitor: Pipeline.MonitorSettings) throws(PipelineError) {
        cooldownSeconds = try section.optional("cooldown")?.duration(0...31_536_000) ?? 30
        runsPerDay = try section.optional("runs-per-day")?.integer(1...100_000) ?? 48
        minLabels =
            try section.optional("min-labels")?.count("labels", 1...1_000_000, isUnitOptional: true)
            ?? monitor.minLabels
        causes =
            try section.optional("causes")?.choices(Cause.self, "such as [performance, concept]")
            ?? Cause.allCases.filter { $0 != .quality }
        stormPipelines = try section.optional("storm")?.count("pipelines", 2...100_000) ?? 5
        stormSeconds = try section.optional("storm-window")?.duration(1...86_400) ?? 600
    }
}
