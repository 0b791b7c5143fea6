extension Pipeline {
    /// Reads the JSON form of a pipeline file, with the same keys, defaults and checks as ``init(yaml:)``.
    ///
    /// The order of inputs matters and JSON mappings have none, so several inputs are a list:
    /// `"inputs": [{"name": "price", "shape": [10]}]`. ``canonicalJSON()`` writes that form.
    ///
    /// - Throws: ``PipelineError`` as ``init(yaml:)`` does; a text that is no JSON gives no line.
    public init(json: String) throws(PipelineError) { try self.init(Document(json: json)) }

    /// The pipeline as JSON with every key spelled out, keys sorted, without spaces.
    ///
    /// Files that mean the same give the same bytes, and ``init(json:)`` gives back an equal value, so the digest of
    /// this text is the version of the pipeline.
    public func canonicalJSON() -> String { document.canonicalJSON }

    /// Reads the same form as ``init(json:)``; what it refuses is the underlying error of `dataCorrupted`.
    public init(from decoder: any Decoder) throws {
        do {
            try self.init(Document(from: decoder))
        } catch let error as PipelineError {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription: error.description,
                    underlyingError: error
                )
            )
        }
    }

    /// Writes the same form as ``canonicalJSON()``.
    public func encode(to encoder: any Encoder) throws { try document.encode(to: encoder) }

    /// The whole file, every key in it.
    private var document: Document {
        .mapping([
            "pipeline": .text(name),
            "automation": .text(automation.rawValue),
            "task": task.document,
            "data": .mapping([
                "observations": .text(data.observations), "labels": .text(data.labels),
                "schema": .mapping(
                    Dictionary(data.schema.map { ($0.name, $0.document) }, uniquingKeysWith: { first, _ in first })
                ),
            ]),
            "train": train.document,
            "shadows": .list(
                shadows.map { .mapping(["name": .text($0.name), "window": .rowsOrAll($0.windowRows)]) }
            ),
            "quantize": quantize.document,
            "gates": gates.document,
            "rollout": rollout.document,
            "monitor": monitor.document,
            "policy": .mapping([
                "cooldown": .seconds(policy.cooldownSeconds), "runs-per-day": .number(policy.runsPerDay),
                "min-labels": .number(policy.minLabels), "causes": .list(policy.causes.map { .text($0.rawValue) }),
                "storm": .text("\(policy.stormPipelines) pipelines"), "storm-window": .seconds(policy.stormSeconds),
            ]),
        ])
    }
}

extension Pipeline.Task {
    fileprivate var document: Document {
        let inputs = inputs.map { input in
            Document.mapping([
                "name": .text(input.name), "shape": .list(input.shape.map { .number($0) }),
                "unit": input.unit.map { .text($0) },
            ])
        }
        return .mapping([
            "kind": .text(kind.rawValue), "inputs": .list(inputs), "target": .text(target),
            "classes": classes.map { .number($0) },
        ])
    }
}

extension Pipeline.FeatureSchema {
    fileprivate var document: Document {
        .mapping([
            "min": min.map { .number($0) }, "max": max.map { .number($0) }, "missing": .text(missing.rawValue),
        ])
    }
}

extension Pipeline.TrainSettings {
    fileprivate var document: Document {
        let isCommand = kind == .command
        return .mapping([
            "kind": .text(kind.rawValue), "run": isCommand ? .list(run.map { .text($0) }) : nil,
            "timeout": isCommand ? .seconds(timeoutSeconds) : nil, "hidden": .list(hidden.map { .number($0) }),
            "loss": .text(loss.rawValue), "epochs": .number(epochs), "seed": .number(seed), "batch": .number(batch),
            "learning-rate": .number(learningRate), "patience": .number(patience), "window": .rowsOrAll(windowRows),
            "holdout": .percent(holdoutShare),
        ])
    }
}

extension Pipeline.QuantizeSettings {
    /// What was added since has no place in it while it has its default, so that pipelines keep their versions.
    fileprivate var document: Document {
        .mapping([
            "weights": .text(weights.rawValue), "activations": .text(activations.rawValue),
            "calibration-rows": .number(calibrationRows),
            "observer": observer == .minMax ? nil : .text(observer.rawValue),
            "percentile": observer == .percentile ? .percent(percentile / 100) : nil,
            "float-layers": floatLayers == .allow ? nil : .text(floatLayers.rawValue),
            "mixed-precision": mixedPrecision.map { .text($0) }, "equalize": equalizes ? .text("true") : nil,
            "bias-correction": correctsBias ? .text("true") : nil,
            "adaround": adaround == 0 ? nil : .number(adaround),
        ])
    }
}

extension Pipeline.Gates {
    fileprivate var document: Document {
        .mapping([
            "metric": .text(metric.rawValue), "against": .text(against.rawValue),
            "max-quantization-drop": .percent(maxQuantizationDrop), "golden-answers": .number(goldenAnswers),
            "slices": .list(slices.map { .mapping(["by": .text($0.by), "worse": .percent($0.worse)]) }),
            "recent": .text("\(recentRows) rows"), "frozen-worse": .percent(frozenWorse),
        ])
    }
}

extension Pipeline.Rollout {
    fileprivate var document: Document {
        let steps: [Document] = waves.map { wave in
            switch wave {
            case .nodes(let count): .text("\(count) \(count == 1 ? "node" : "nodes")")
            case .share(let share): .percent(share)
            }
        }
        return .mapping([
            "waves": .list(steps), "hold": .text("\(holdPredictions) predictions"),
            "abort-on": .mapping([
                "refused": .number(abortOn.refused), "metric-worse": .percent(abortOn.metricWorse),
            ]),
            "reload": .text(reload.rawValue),
        ])
    }
}

extension Document {
    static func mapping(_ pairs: [String: Document?]) -> Document {
        Document(.mapping(pairs.compactMap { key, value in value.map { (key, $0) } }), nil)
    }
    static func list(_ items: [Document]) -> Document { Document(.list(items), nil) }
    static func text(_ text: String) -> Document { Document(.scalar(text, isPlain: false), nil) }
    static func number(_ number: some BinaryInteger) -> Document {
        Document(.scalar("\(number)", isPlain: true), nil)
    }
    static func number(_ number: Double) -> Document {
        Document(.scalar(short(number), isPlain: true), nil)
    }
    static func seconds(_ seconds: Double) -> Document { .text("\(short(seconds))s") }
    static func rowsOrAll(_ rows: Int?) -> Document { .text(rows.map { "\($0) rows" } ?? "all") }

    /// The percentage that reads back as exactly this share: 0.07 * 100 is not 7, but 7 / 100 is 0.07.
    static func percent(_ share: Double) -> Document {
        let exact = share * 100
        let candidates = [(exact * 1e9).rounded() / 1e9, exact, exact.nextDown, exact.nextUp]
        return .text("\(short(candidates.first { $0 / 100 == share } ?? exact))%")
    }
}
