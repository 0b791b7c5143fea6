import Foundation
import Testing

@testable import Pipelines

private let example = """
    pipeline: oil-price
    automation: automatic            # manual (level 0) | alert (level 1) | automatic (level 2)
    task: {kind: regression, inputs: {price: {shape: [10], unit: USD}}, target: next-price}
    data: {observations: wti, labels: wti-next, schema: {price: {min: -100, max: 500, missing: refuse}}}
    train: {kind: mlp, hidden: [32, 16], loss: huber, epochs: 60, seed: 1}     # or {kind: command, run: [python3, train.py]}
    shadows: [{name: last-250, window: 250 rows}, {name: last-1000, window: 1000 rows}]
    quantize: {weights: int8-per-channel, activations: uint8, calibration-rows: 512}
    gates: {metric: mae, against: champion, max-quantization-drop: 2%, golden-answers: 16, slices: [{by: year}]}
    rollout: {waves: [1 node, 25%, 100%], hold: 50 predictions, abort-on: {refused: 1, metric-worse: 5%}, reload: push}
    monitor: {metric: mae, window: 20, near: 1.5x baseline, breach: 2x baseline, label-timeout: 5d, inputs: [out-of-range, ks]}
    policy: {cooldown: 30s, runs-per-day: 48}
    """

private let least = """
    pipeline: p
    task: {kind: regression, inputs: {b: {shape: [2]}, a: {shape: [3, 2]}}, target: y}
    data: {observations: o, labels: l}
    """

/// `least` with the lines of `more` in place of those with the same key.
private func file(_ more: String) -> String {
    let keys = more.split(separator: "\n").filter { !$0.hasPrefix(" ") }.map { $0.prefix { $0 != ":" } }
    let kept = least.split(separator: "\n").filter { line in !keys.contains { line.hasPrefix($0 + ":") } }
    return kept.joined(separator: "\n") + "\n" + more
}

private func refusal(_ yaml: String) throws -> PipelineError {
    try #require(throws: PipelineError.self) { try Pipeline(yaml: yaml) }
}

@Suite("Reading a pipeline file")
struct PipelineReadingTests {
    @Test("reads every key of the example in the design")
    func readsExample() throws {
        let pipeline = try Pipeline(yaml: example)
        #expect(pipeline.name == "oil-price")
        #expect(pipeline.automation == .automatic)
        #expect(pipeline.task.kind == .regression)
        #expect(pipeline.task.inputs == [.init(name: "price", shape: [10], unit: "USD")])
        #expect(pipeline.task.target == "next-price")
        #expect(pipeline.task.classes == nil)
        #expect(pipeline.data.observations == "wti")
        #expect(pipeline.data.labels == "wti-next")
        #expect(pipeline.data.schema == [.init(name: "price", min: -100, max: 500, missing: .refuse)])
        #expect(pipeline.train.kind == .mlp)
        #expect(pipeline.train.hidden == [32, 16])
        #expect(pipeline.train.loss == .huber)
        #expect(pipeline.train.epochs == 60)
        #expect(pipeline.train.seed == 1)
        #expect(
            pipeline.shadows == [
                .init(name: "last-250", windowRows: 250), .init(name: "last-1000", windowRows: 1000),
            ]
        )
        #expect(
            pipeline.quantize == .init(weights: .int8PerChannel, activations: .uint8, calibrationRows: 512)
        )
        #expect(pipeline.gates.metric == .meanAbsoluteError)
        #expect(pipeline.gates.against == .champion)
        #expect(pipeline.gates.maxQuantizationDrop == 0.02)
        #expect(pipeline.gates.goldenAnswers == 16)
        #expect(pipeline.gates.slices == [.init(by: "year", worse: 0.5)])
        #expect(pipeline.rollout.waves == [.nodes(1), .share(0.25), .share(1)])
        #expect(pipeline.rollout.holdPredictions == 50)
        #expect(pipeline.rollout.abortOn == .init(refused: 1, metricWorse: 0.05))
        #expect(pipeline.rollout.reload == .push)
        #expect(pipeline.monitor.metric == .meanAbsoluteError)
        #expect(pipeline.monitor.window == 20)
        #expect(pipeline.monitor.nearFactor == 1.5)
        #expect(pipeline.monitor.breachFactor == 2)
        #expect(pipeline.monitor.labelTimeoutSeconds == 432_000)
        #expect(pipeline.monitor.inputs == [.outOfRange, .kolmogorovSmirnov])
        #expect(
            pipeline.policy
                == .init(
                    cooldownSeconds: 30,
                    runsPerDay: 48,
                    minLabels: 20,
                    causes: [.performance, .concept, .inputs, .calibration],
                    stormPipelines: 5,
                    stormSeconds: 600
                )
        )
        #expect(pipeline.featureCount == 10)
    }

    @Test("what a conversion may do besides rounding is read, kept in the version, and in none where it is the default")
    func readsQuantization() throws {
        let asked = """
            quantize:
              {observer: percentile, percentile: 99.9%, float-layers: refuse, mixed-precision: 1.5%, equalize: true,
               bias-correction: true, adaround: 200}
            """
        let pipeline = try Pipeline(yaml: file(asked))
        let settings = pipeline.quantize
        #expect(settings.observer == .percentile && settings.percentile == 99.9)
        #expect(settings.floatLayers == .refuse && settings.mixedPrecision == "1.5%")
        #expect(settings.equalizes && settings.correctsBias && settings.adaround == 200)
        #expect(try Pipeline(json: pipeline.canonicalJSON()) == pipeline)
        let plain = try Pipeline(yaml: least)
        let spelled = "quantize: {observer: min-max, float-layers: allow, equalize: false, adaround: 0}"
        #expect(try Pipeline(yaml: file(spelled)).canonicalJSON() == plain.canonicalJSON())
        #expect(pipeline.canonicalJSON() != plain.canonicalJSON())
        #expect(try Pipeline(yaml: file("quantize: {activations: int16}")).quantize.activations == .int16)
    }

    @Test("fills in a default for every key that may be left out")
    func fillsDefaults() throws {
        let pipeline = try Pipeline(yaml: least)
        #expect(pipeline.automation == .automatic)
        #expect(
            pipeline.train
                == .init(
                    kind: .mlp,
                    run: [],
                    timeoutSeconds: 3600,
                    hidden: [32, 16],
                    loss: .huber,
                    epochs: 60,
                    seed: 1,
                    batch: 64,
                    learningRate: 0.001,
                    patience: 10,
                    windowRows: nil,
                    holdoutShare: 0.1
                )
        )
        #expect(pipeline.shadows == [])
        #expect(pipeline.gates.recentRows == 250)
        #expect(pipeline.gates.frozenWorse == 0.5)
        #expect(pipeline.gates.slices == [])
        #expect(pipeline.rollout.waves.last == .share(1))
        #expect(pipeline.monitor.rearmAfter == pipeline.monitor.window)
        #expect(pipeline.monitor.inputs == [.outOfRange, .drift])
        #expect(pipeline.monitor.detectors == [.threshold, .sequential])
        #expect(pipeline.monitor.falseAlarms == .init(count: 1, span: .year))
        #expect(pipeline.monitor.minLabels == 20)
        #expect(pipeline.monitor.quality.count == 7)
        #expect(try Pipeline(yaml: file("monitor:")).monitor == pipeline.monitor)
        #expect(pipeline.data.schema == [])
    }

    @Test("reads the keys that the example leaves to their defaults")
    func readsOtherKeys() throws {
        let pipeline = try Pipeline(
            yaml: file(
                """
                train: {batch: 8, learning-rate: 5e-3, patience: 0, window: 300 rows, holdout: 12.5%, hidden: [], seed: 18446744073709551615}
                gates: {recent: 1 row, frozen-worse: 0%, slices: [{by: a, worse: 7%}], against: nothing}
                monitor: {window: 30 predictions, rearm: 5, label-timeout: 250ms, breach: 1.2x}
                rollout: {waves: [2 nodes, 3 nodes, 100%], hold: 1 prediction}
                policy: {cooldown: 1.5h}
                shadows: [{name: everything, window: all}]
                """.replacingOccurrences(of: "250ms", with: "1500ms")
            )
        )
        #expect(pipeline.train.batch == 8)
        #expect(pipeline.train.learningRate == 0.005)
        #expect(pipeline.train.patience == 0)
        #expect(pipeline.train.windowRows == 300)
        #expect(pipeline.train.holdoutShare == 0.125)
        #expect(pipeline.train.hidden == [])
        #expect(pipeline.train.seed == .max)
        #expect(pipeline.gates.recentRows == 1)
        #expect(pipeline.gates.frozenWorse == 0)
        #expect(pipeline.gates.slices == [.init(by: "a", worse: 0.07)])
        #expect(pipeline.gates.against == .nothing)
        #expect(pipeline.monitor.window == 30)
        #expect(pipeline.monitor.rearmAfter == 5)
        #expect(pipeline.monitor.labelTimeoutSeconds == 1.5)
        #expect(pipeline.monitor.nearFactor == 1.2)
        #expect(pipeline.rollout.waves == [.nodes(2), .nodes(3), .share(1)])
        #expect(pipeline.rollout.holdPredictions == 1)
        #expect(pipeline.policy.cooldownSeconds == 5400)
        #expect(pipeline.shadows == [.init(name: "everything", windowRows: nil)])
    }

    @Test("reads everything that a monitor section may say, and the same from its JSON")
    func readsMonitor() throws {
        let pipeline = try Pipeline(
            yaml: file(
                """
                monitor:
                  window: 50
                  baseline: 200 predictions
                  detectors: [sequential]
                  false-alarms: 2 per 1000000 predictions
                  min-labels: 30 labels
                  period: 1h
                  inputs: [drift, psi]
                  drift: {alpha: 1%, correction: benjamini-hochberg, window: 100 rows, reference: seasonal, reference-rows: 500 rows, season: 1w}
                  quality: [missing]
                  estimate: off
                  forecast: off
                  slices: [{by: weekday}, {by: a, at: [0, 2.5]}]
                  per-node: off
                policy: {min-labels: 100, causes: [concept], storm: 3 pipelines, storm-window: 1m}
                """
            )
        )
        let monitor = pipeline.monitor
        #expect(monitor.baseline == .learned(200))
        #expect(monitor.detectors == [.sequential])
        #expect(monitor.falseAlarms == .init(count: 2, span: .predictions, predictions: 1_000_000))
        #expect(monitor.falseAlarms.perValue(perSecond: 7) == 2e-6)
        #expect(monitor.minLabels == 30)
        #expect(monitor.periodSeconds == 3600)
        #expect(monitor.inputs == [.drift, .populationStability])
        #expect(
            monitor.drift
                == .init(
                    alpha: 0.01,
                    correction: .benjaminiHochberg,
                    windowRows: 100,
                    reference: .seasonal,
                    referenceRows: 500,
                    seasonSeconds: 604_800
                )
        )
        #expect(monitor.quality == [.missing])
        #expect([monitor.estimate, monitor.forecast, monitor.perNode] == [.off, .off, .off])
        #expect(monitor.slices == [.init(by: "weekday", at: []), .init(by: "a", at: [0, 2.5])])
        #expect(pipeline.policy.minLabels == 100)
        #expect(pipeline.policy.causes == [.concept])
        #expect(pipeline.policy.stormPipelines == 3)
        #expect(pipeline.policy.stormSeconds == 60)
        #expect(try Pipeline(json: pipeline.canonicalJSON()) == pipeline)
    }

    @Test("a budget over time is one over values at the rate at which they come")
    func spreadsBudget() {
        let budget = Pipeline.MonitorSettings.FalseAlarms(count: 1, span: .day)
        #expect(budget.perValue(perSecond: 10) == 1.0 / 864_000)
        #expect(budget.perValue(perSecond: 1e-9) == 0.01)
        #expect(budget.perValue(perSecond: 1e30) == 1e-12)
    }

    @Test("keeps inputs in the order of the file, and limits in the order of the inputs")
    func keepsOrder() throws {
        let pipeline = try Pipeline(
            yaml: """
                pipeline: p
                task: {kind: regression, inputs: {z: {shape: [1]}, a: {shape: [1]}, m: {shape: [1]}}, target: y}
                data: {observations: o, labels: l, schema: {m: {min: 0}, z: {max: 1}}}
                """
        )
        #expect(pipeline.task.inputs.map(\.name) == ["z", "a", "m"])
        #expect(pipeline.data.schema.map(\.name) == ["z", "m"])
    }

    @Test("reads a classification and an external trainer")
    func readsClassification() throws {
        let pipeline = try Pipeline(
            yaml: """
                pipeline: digits
                task: {kind: classification, inputs: {image: {shape: [8, 8, 1]}}, target: digit, classes: 10}
                data: {observations: o, labels: l}
                train: {kind: command, run: [python3, train.py], timeout: 10m}
                """
        )
        #expect(pipeline.task.classes == 10)
        #expect(pipeline.featureCount == 64)
        #expect(pipeline.train.loss == .crossEntropy)
        #expect(pipeline.train.run == ["python3", "train.py"])
        #expect(pipeline.train.timeoutSeconds == 600)
        #expect(pipeline.monitor.metric == .errorRate)
        #expect(pipeline.gates.metric == .errorRate)
    }

    @Test("a wave is at least one node and at most all", arguments: [(1, 1), (3, 1), (4, 1), (5, 2), (8, 2)])
    func countsNodes(all: Int, quarter: Int) {
        #expect(Pipeline.Wave.share(0.25).nodeCount(of: all) == quarter)
        #expect(Pipeline.Wave.share(1).nodeCount(of: all) == all)
        #expect(Pipeline.Wave.nodes(2).nodeCount(of: all) == min(2, all))
    }
}

@Suite("The JSON form of a pipeline")
struct PipelineJSONTests {
    @Test("reads back as an equal value and as the same bytes", arguments: [example, least])
    func roundTrips(yaml: String) throws {
        let pipeline = try Pipeline(yaml: yaml)
        let json = pipeline.canonicalJSON()
        #expect(try Pipeline(json: json) == pipeline)
        #expect(try Pipeline(json: json).canonicalJSON() == json)
        #expect(try JSONDecoder().decode(Pipeline.self, from: JSONEncoder().encode(pipeline)) == pipeline)
    }

    @Test("is the same for files that mean the same")
    func isCanonical() throws {
        let other = example.split(separator: "\n").reversed().joined(separator: "\n")
            .replacingOccurrences(of: "epochs: 60, ", with: "")
            .replacingOccurrences(of: "5d", with: "120h")
        #expect(try Pipeline(yaml: other).canonicalJSON() == Pipeline(yaml: example).canonicalJSON())
    }

    @Test("has these bytes, from which versions are made")
    func hasGoldenBytes() throws {
        let task =
            #""task":{"inputs":[{"name":"price","shape":[10],"unit":"USD"}],"kind":"regression","target":"next-price"}"#
        let monitor =
            #""monitor":{"baseline":"validation","breach":"2x baseline","detectors":["threshold","sequential"],"#
            + #""drift":{"alpha":"0.1%","correction":"holm","reference":"fixed","reference-rows":"1000 rows","window":"250 rows"},"#
            + #""estimate":"on","false-alarms":"1 per year","forecast":"on","inputs":["out-of-range","ks"],"#
            + #""label-timeout":"432000s","metric":"mae","min-labels":20,"near":"1.5x baseline","per-node":"on","#
            + #""period":"86400s","quality":["missing","out-of-schema","unseen","constant","stale","outlier","duplicate"],"rearm":20,"slices":[],"window":20}"#
        let json = try Pipeline(yaml: example).canonicalJSON()
        #expect(
            json.hasPrefix(#"{"automation":"automatic","data":{"labels":"wti-next","observations":"wti","schema":"#)
        )
        #expect(json.contains(task))
        #expect(json.contains(monitor))
        #expect(json.contains(#""waves":["1 node","25%","100%"]"#))
    }

    @Test("every whole percentage reads back exactly")
    func keepsPercentages() throws {
        for percent in 1...50 {
            let pipeline = try Pipeline(yaml: file("train: {holdout: \(percent)%}"))
            #expect(pipeline.canonicalJSON().contains("\"holdout\":\"\(percent)%\""))
            #expect(try Pipeline(json: pipeline.canonicalJSON()) == pipeline)
        }
    }

    @Test("escapes what JSON must not contain")
    func escapes() throws {
        var pipeline = try Pipeline(yaml: least)
        pipeline.task.inputs[0].unit = "a\"b\\c\u{1}é☃"
        #expect(try Pipeline(json: pipeline.canonicalJSON()) == pipeline)
    }

    @Test("is checked like the file: values set by hand are refused by name when read")
    func checksValues() throws {
        var pipeline = try Pipeline(yaml: least)
        pipeline.train.epochs = 0
        let error = try #require(throws: PipelineError.self) { try Pipeline(json: pipeline.canonicalJSON()) }
        #expect(error.path == "train.epochs")
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(Pipeline.self, from: Data(pipeline.canonicalJSON().utf8))
        }
    }

    @Test("refuses several inputs as a mapping, because JSON gives them no order")
    func refusesUnorderedInputs() throws {
        let json =
            #"{"pipeline":"p","data":{"observations":"o","labels":"l"},"task":{"kind":"regression","target":"y","inputs":{"a":{"shape":[1]},"b":{"shape":[1]}}}}"#
        let error = try #require(throws: PipelineError.self) { try Pipeline(json: json) }
        #expect(error.path == "task.inputs")
    }

    @Test(
        "refuses text that is no JSON object",
        arguments: ["", "{", "[]", "1", "null", "\"x\"", "{\"pipeline\": null}", String(repeating: "[", count: 5000)]
    )
    func refusesBrokenJSON(json: String) {
        #expect(throws: PipelineError.self) { try Pipeline(json: json) }
    }
}

@Suite("Refusing a pipeline file")
struct PipelineRefusalTests {
    @Test("a key that is not known is named with its path, its line and the nearest key")
    func namesUnknownKeys() throws {
        let error = try refusal(file("train: {epoch: 3}"))
        #expect(error.code == .unknownKey)
        #expect(error.path == "train.epoch")
        #expect(error.suggestion == "epochs")
        #expect(error.line == 4)
        #expect(error.description.hasPrefix("line 4: train.epoch: unknown key; allowed: kind, run, timeout, hidden"))
        #expect(error.description.hasSuffix("did you mean \"epochs\"?"))
    }

    @Test(
        "every section names its unknown keys",
        arguments: [
            ("trian: {}", "trian", "train"), ("train: {learningRate: 1}", "train.learningRate", "learning-rate"),
            ("gates: {goldn-answers: 1}", "gates.goldn-answers", "golden-answers"),
            ("gates: {slices: [{bye: year}]}", "gates.slices[0].bye", "by"),
            ("rollout: {abort-on: {refuse: 1}}", "rollout.abort-on.refuse", "refused"),
            ("rollout: {wave: [100%]}", "rollout.wave", "waves"),
            ("monitor: {label_timeout: 5d}", "monitor.label_timeout", "label-timeout"),
            ("quantize: {weight: 1}", "quantize.weight", "weights"),
            ("policy: {cooldwon: 3s}", "policy.cooldwon", "cooldown"),
            ("shadows: [{name: x, windw: 3 rows}]", "shadows[0].windw", "window"),
            ("data: {observations: o, labels: l, schema: {a: {mim: 1}}}", "data.schema.a.mim", "min"),
            ("data: {observations: o, lables: l}", "data.lables", "labels"),
        ]
    )
    func namesUnknownKeysEverywhere(yaml: String, path: String, suggestion: String) throws {
        let error = try refusal(file(yaml))
        #expect(error.code == .unknownKey)
        #expect(error.path == path)
        #expect(error.suggestion == suggestion)
    }

    @Test("a key that is nothing like another has no suggestion")
    func suggestsNothingFar() throws {
        #expect(try refusal(file("zebra: 1")).suggestion == nil)
    }

    @Test(
        "a key that must be there is named",
        arguments: [
            ("task: {kind: regression, inputs: {a: {shape: [1]}}}", "task.target"),
            ("task: {kind: regression, target: y}", "task.inputs"), ("task: {target: y}", "task.kind"),
            ("task: {kind: regression, target: y, inputs: {a: {}}}", "task.inputs.a.shape"),
            ("task: {kind: classification, target: y, inputs: {a: {shape: [1]}}}", "task.classes"),
            ("data: {observations: o}", "data.labels"), ("data: {labels: o}", "data.observations"),
            ("train: {kind: command}", "train.run"), ("shadows: [{window: 3 rows}]", "shadows[0].name"),
            ("shadows: [{name: x}]", "shadows[0].window"), ("gates: {slices: [{}]}", "gates.slices[0].by"),
        ]
    )
    func namesMissingKeys(yaml: String, path: String) throws {
        let error = try refusal(file(yaml))
        #expect(error.code == .missingKey)
        #expect(error.path == path)
    }

    @Test("each of the three parts that must be there is missed", arguments: ["pipeline", "task", "data"])
    func namesMissingParts(key: String) throws {
        let yaml = least.split(separator: "\n").filter { !$0.hasPrefix(key + ":") }.joined(separator: "\n")
        let error = try refusal(yaml)
        #expect(error.code == .missingKey)
        #expect(error.path == key)
    }

    @Test(
        "a value that is not accepted is named with its path and what is allowed",
        arguments: [
            ("pipeline: Oil", "pipeline"), ("pipeline: 1x", "pipeline"), ("pipeline: ''", "pipeline"),
            ("automation: full", "automation"), ("automation: no", "automation"),
            ("train: {kind: tree}", "train.kind"), ("train: {loss: hubber}", "train.loss"),
            ("train: {loss: cross-entropy}", "train.loss"), ("train: {epochs: 0}", "train.epochs"),
            ("train: {epochs: 1.5}", "train.epochs"), ("train: {epochs: many}", "train.epochs"),
            ("train: {epochs: [1]}", "train.epochs"), ("train: {epochs: {a: 1}}", "train.epochs"),
            ("train: {epochs: 99999999999999999999999}", "train.epochs"), ("train: {epochs: }", "train.epochs"),
            ("train: {epochs: null}", "train.epochs"), ("train: {seed: -1}", "train.seed"),
            ("train: {hidden: 32}", "train.hidden"), ("train: {hidden: [32, 0]}", "train.hidden[1]"),
            ("train: {hidden: [x]}", "train.hidden[0]"), ("train: {hidden: [1,1,1,1,1,1,1,1,1]}", "train.hidden"),
            ("train: {learning-rate: 0}", "train.learning-rate"),
            ("train: {learning-rate: .nan}", "train.learning-rate"),
            ("train: {learning-rate: nan}", "train.learning-rate"),
            ("train: {learning-rate: inf}", "train.learning-rate"),
            ("train: {learning-rate: 0x1p-4}", "train.learning-rate"), ("train: {window: 250}", "train.window"),
            ("train: {window: 250 columns}", "train.window"), ("train: {window: 0 rows}", "train.window"),
            ("train: {window: -5 rows}", "train.window"), ("train: {window: rows}", "train.window"),
            ("train: {holdout: 0.1}", "train.holdout"), ("train: {holdout: 51%}", "train.holdout"),
            ("train: {holdout: '%'}", "train.holdout"), ("train: {run: [a]}", "train.run"),
            ("train: {timeout: 3s}", "train.timeout"), ("train: {kind: command, run: python}", "train.run"),
            ("train: {kind: command, run: []}", "train.run"), ("train: {kind: command, run: ['']}", "train.run[0]"),
            ("train: []", "train"), ("train: 3", "train"), ("train: ", "train"),
            ("shadows: {name: x}", "shadows"), ("shadows: [x]", "shadows[0]"),
            ("shadows: [{name: champion, window: all}]", "shadows[0].name"),
            ("shadows: [{name: a, window: all}, {name: a, window: all}]", "shadows[1].name"),
            ("shadows: [{name: 'a b', window: all}]", "shadows[0].name"),
            ("quantize: {weights: int4}", "quantize.weights"),
            ("quantize: {activations: int8}", "quantize.activations"),
            ("quantize: {calibration-rows: 0}", "quantize.calibration-rows"),
            ("quantize: {observer: max}", "quantize.observer"),
            ("quantize: {observer: mse, activations: int16}", "quantize.observer"),
            ("quantize: {percentile: 99%}", "quantize.percentile"),
            ("quantize: {observer: percentile, percentile: 40%}", "quantize.percentile"),
            ("quantize: {float-layers: some}", "quantize.float-layers"),
            ("quantize: {mixed-precision: 40}", "quantize.mixed-precision"),
            ("quantize: {mixed-precision: 0%}", "quantize.mixed-precision"),
            ("quantize: {mixed-precision: 121dB}", "quantize.mixed-precision"),
            ("quantize: {mixed-precision: [1%]}", "quantize.mixed-precision"),
            ("quantize: {equalize: yes}", "quantize.equalize"),
            ("quantize: {bias-correction: 1}", "quantize.bias-correction"),
            ("quantize: {adaround: -1}", "quantize.adaround"), ("quantize: {adaround: 100001}", "quantize.adaround"),
            ("gates: {metric: error-rate}", "gates.metric"), ("gates: {metric: mea}", "gates.metric"),
            ("gates: {max-quantization-drop: 2}", "gates.max-quantization-drop"),
            ("gates: {max-quantization-drop: -2%}", "gates.max-quantization-drop"),
            ("gates: {slices: [{by: yaer}]}", "gates.slices[0].by"), ("gates: {recent: 0 rows}", "gates.recent"),
            ("rollout: {waves: []}", "rollout.waves"), ("rollout: {waves: [1 node]}", "rollout.waves"),
            ("rollout: {waves: [0%, 100%]}", "rollout.waves[0]"),
            ("rollout: {waves: [50%, 25%, 100%]}", "rollout.waves[1]"),
            ("rollout: {waves: [25%, 1 node, 100%]}", "rollout.waves[1]"),
            ("rollout: {waves: [2 nodes, 1 node, 100%]}", "rollout.waves[1]"),
            ("rollout: {waves: [101%]}", "rollout.waves[0]"), ("rollout: {waves: [1, 100%]}", "rollout.waves[0]"),
            ("rollout: {hold: 50}", "rollout.hold"), ("rollout: {hold: 50 rows}", "rollout.hold"),
            ("rollout: {abort-on: {refused: 0}}", "rollout.abort-on.refused"),
            ("rollout: {abort-on: {metric-worse: 5}}", "rollout.abort-on.metric-worse"),
            ("rollout: {reload: pull}", "rollout.reload"), ("monitor: {window: 0}", "monitor.window"),
            ("monitor: {near: 1.5}", "monitor.near"), ("monitor: {near: 1.5x base}", "monitor.near"),
            ("monitor: {near: 0.5x baseline}", "monitor.near"), ("monitor: {near: x baseline}", "monitor.near"),
            ("monitor: {near: 3x baseline, breach: 2x baseline}", "monitor.near"),
            ("monitor: {label-timeout: 5}", "monitor.label-timeout"),
            ("monitor: {label-timeout: 5 days}", "monitor.label-timeout"),
            ("monitor: {label-timeout: d}", "monitor.label-timeout"),
            ("monitor: {label-timeout: -5d}", "monitor.label-timeout"),
            ("monitor: {inputs: [mmd]}", "monitor.inputs[0]"), ("monitor: {inputs: [ks, ks]}", "monitor.inputs[1]"),
            ("monitor: {detectors: []}", "monitor.detectors"),
            ("monitor: {detectors: [adwin]}", "monitor.detectors[0]"),
            ("monitor: {false-alarms: 1}", "monitor.false-alarms"),
            ("monitor: {false-alarms: 0 per year}", "monitor.false-alarms"),
            ("monitor: {false-alarms: 1 per decade}", "monitor.false-alarms"),
            ("monitor: {false-alarms: 1 per 10 predictions}", "monitor.false-alarms"),
            ("monitor: {min-labels: 0}", "monitor.min-labels"),
            ("monitor: {window: 10, min-labels: 11}", "monitor.min-labels"),
            ("monitor: {baseline: champion}", "monitor.baseline"),
            ("monitor: {baseline: 5 predictions}", "monitor.baseline"),
            ("monitor: {quality: [fresh]}", "monitor.quality[0]"), ("monitor: {estimate: maybe}", "monitor.estimate"),
            ("monitor: {period: 0s}", "monitor.period"), ("monitor: {slices: [{by: region}]}", "monitor.slices[0].by"),
            ("monitor: {slices: [{by: hour, at: [1]}]}", "monitor.slices[0].at"),
            ("monitor: {slices: [{by: a, at: [1, 1]}]}", "monitor.slices[0].at[1]"),
            ("monitor: {drift: {alpha: 0.1}}", "monitor.drift.alpha"),
            ("monitor: {drift: {season: 1d}}", "monitor.drift.season"),
            ("monitor: {drift: {window: 10 rows}}", "monitor.drift.window"),
            ("policy: {causes: [weather]}", "policy.causes[0]"), ("policy: {storm: 1 pipelines}", "policy.storm"),
            ("policy: {min-labels: 0}", "policy.min-labels"),
            ("monitor: {rearm: 0}", "monitor.rearm"), ("policy: {cooldown: 30}", "policy.cooldown"),
            ("policy: {runs-per-day: 0}", "policy.runs-per-day"),
            ("data: {observations: 'a b', labels: l}", "data.observations"),
            ("data: {observations: o, labels: .l}", "data.labels"),
            ("data: {observations: o, labels: l, schema: {c: {min: 0}}}", "data.schema.c"),
            ("data: {observations: o, labels: l, schema: {a: {min: 2, max: 1}}}", "data.schema.a.max"),
            ("data: {observations: o, labels: l, schema: {a: {min: low}}}", "data.schema.a.min"),
            ("data: {observations: o, labels: l, schema: {a: {missing: guess}}}", "data.schema.a.missing"),
            ("task: {kind: regression, inputs: {}, target: y}", "task.inputs"),
            ("task: {kind: regression, inputs: price, target: y}", "task.inputs"),
            ("task: {kind: regression, inputs: {'a b': {shape: [1]}}, target: y}", "task.inputs.a b"),
            ("task: {kind: regression, inputs: {a: {shape: []}}, target: y}", "task.inputs.a.shape"),
            ("task: {kind: regression, inputs: {a: {shape: [0]}}, target: y}", "task.inputs.a.shape[0]"),
            (
                "task: {kind: regression, inputs: {a: {shape: [65536, 65536, 65536, 65536]}}, target: y}",
                "task.inputs.a.shape"
            ),
            ("task: {kind: regression, inputs: {a: {shape: [60000]}, b: {shape: [60000]}}, target: y}", "task.inputs"),
            (
                "task: {kind: regression, inputs: [{name: a, shape: [1]}, {name: a, shape: [1]}], target: y}",
                "task.inputs[1].name"
            ),
            ("task: {kind: regression, inputs: {a: {shape: [1]}}, target: y, classes: 3}", "task.classes"),
            ("task: {kind: classification, inputs: {a: {shape: [1]}}, target: y, classes: 1}", "task.classes"),
            ("task: {kind: ranking, inputs: {a: {shape: [1]}}, target: y}", "task.kind"),
        ]
    )
    func namesValues(yaml: String, path: String) throws {
        let error = try refusal(file(yaml))
        #expect(error.path == path)
        #expect(error.line != nil)
        #expect(error.value != nil)
        #expect(!error.allowed.isEmpty)
    }

    @Test("suggests the word or the unit that was probably meant")
    func suggestsWords() throws {
        #expect(try refusal(file("train: {loss: hubber}")).suggestion == "huber")
        #expect(try refusal(file("train: {window: 250}")).suggestion == "250 rows")
        #expect(try refusal(file("train: {holdout: 10}")).suggestion == "10%")
        #expect(try refusal(file("policy: {cooldown: 30}")).suggestion == "30s")
        #expect(try refusal(file("automation: automatc")).suggestion == "automatic")
    }

    @Test(
        "text that is no pipeline document is refused, never trapped on",
        arguments: [
            "", "   \n", "# only a comment", "[]", "3", "a: b: c", "{", "a: [1", "\"", "a: 1\na: 2", "? [a]\n: 1",
            "--- a\n--- b", "\t- x", "a: \u{0}", "!!binary x", "%YAML 9.9\n---\na: 1",
            String(repeating: "[", count: 100_000), String(repeating: "{a: ", count: 2000),
            String(repeating: "- ", count: 5000), String(repeating: "? ", count: 5000),
            String(repeating: "x", count: 300_000),
        ]
    )
    func refusesBrokenText(yaml: String) {
        #expect(throws: PipelineError.self) { try Pipeline(yaml: yaml) }
    }

    @Test("aliases are refused before they can multiply", arguments: ["&a [x, x]", "&a\n  - x"])
    func refusesAliases(anchor: String) throws {
        var yaml = "a: \(anchor)\n"
        for index in 0..<40 { yaml += "k\(index): &b\(index) [*a, *a]\n" }
        let error = try refusal(yaml + "? [*b39]\n: 1\n")
        #expect(error.code == .syntax)
        #expect(error.value == "an alias (*name)")
    }

    @Test("stars in comments and in plain words are no aliases")
    func acceptsStars() throws {
        _ = try Pipeline(yaml: "# *important*\n" + file("train: {epochs: 3} # 3 * 2"))
    }

    @Test("every truncation of the example is read or refused")
    func survivesTruncation() {
        for length in stride(from: 0, to: example.utf8.count, by: 3) {
            do throws(PipelineError) {
                _ = try Pipeline(yaml: String(decoding: example.utf8.prefix(length), as: UTF8.self))
            } catch {
                #expect(!error.description.isEmpty)
            }
        }
    }
}

@Suite("Checking the features of an observation")
struct FeatureTests {
    private let pipeline: Pipeline

    init() throws {
        pipeline = try Pipeline(
            yaml: file("data: {observations: o, labels: l, schema: {a: {min: -1, max: 1}}}")
        )
    }

    private func refusal(_ inputs: [String: [Double]]) throws -> FeatureError {
        try #require(throws: FeatureError.self) { try pipeline.features(from: inputs) }
    }

    @Test("lays them out in declared order, limits included")
    func laysOut() throws {
        #expect(
            try pipeline.features(from: ["a": [-1, 1, 0, 0.5, 0, 0], "b": [900, 8]]) == [900, 8, -1, 1, 0, 0.5, 0, 0]
        )
    }

    @Test("names a feature that is missing")
    func namesMissing() throws {
        let error = try refusal(["b": [1, 2]])
        #expect(error.code == .missing)
        #expect(error.description == "a: missing; accepted: 6 elements")
    }

    @Test("names a feature that is unknown and the nearest one")
    func namesUnknown() throws {
        let error = try refusal(["b": [1, 2], "a": [0, 0, 0, 0, 0, 0], "B1": [1]])
        #expect(error.code == .unknown)
        #expect(error.feature == "B1")
        #expect(error.limit == "b, a; did you mean \"b\"?")
    }

    @Test("names the count that does not fit", arguments: [0, 5, 7])
    func namesCount(count: Int) throws {
        let error = try refusal(["b": [1, 2], "a": Array(repeating: 0, count: count)])
        #expect(error.code == .count)
        #expect(error.value == "\(count)")
        #expect(error.limit == "6 elements")
    }

    @Test("names an element that is no finite 32-bit float", arguments: [Double.nan, .infinity, -.infinity, 1e39])
    func namesNotFinite(value: Double) throws {
        let error = try refusal(["b": [1, value], "a": [0, 0, 0, 0, 0, 0]])
        #expect(error.code == .notFinite)
        #expect(error.feature == "b")
        #expect(error.element == 1)
        #expect(error.value == "\(value)")
    }

    @Test("names an element outside the schema and the limit that it breaks")
    func namesLimits() throws {
        let low = try refusal(["b": [1, 2], "a": [0, 0, -1.5, 0, 0, 0]])
        #expect(low.code == .belowMin)
        #expect(low.description == "a[2]: -1.5 is refused; accepted: at least -1.0")
        let high = try refusal(["b": [1, 2], "a": [0, 0, 0, 0, 0, 1.0001]])
        #expect(high.code == .aboveMax)
        #expect(high.description == "a[5]: 1.0001 is refused; accepted: at most 1.0")
    }
}
