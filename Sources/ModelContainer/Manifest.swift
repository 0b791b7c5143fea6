public import ModelGraph
public import Quantization

/// What a container holds.
public enum ContainerKind: String, Codable, Sendable, Hashable {
    case floatModel = "float-model"
    case quantizedModel = "int8-model"
    case dataset
}

/// What a model's outputs mean.
public enum ModelTask: String, Codable, Sendable, Hashable {
    case regression
    /// The outputs are probabilities of classes.
    case classification
}

/// Everything about a container but its tensors.
public struct Manifest: Codable, Sendable, Hashable {
    /// What the container holds.
    public var kind: ContainerKind
    /// Nil for a data set.
    public var task: ModelTask?
    /// Nil for a data set.
    public var graph: GraphStructure?
    /// The inputs in order; together as many values as a row of the graph's input.
    public var features: [Feature]
    /// For a quantized model, the encoding of each value that stands as bytes, by its name in the graph.
    public var encodings: [String: Encoding]
    /// For a quantized model, the scale of each value that stands as 16-bit integers, by its name in the graph.
    public var wideEncodings: [String: Float]
    /// For a quantized model, one for each fully-connected node and each convolution, in the order of the nodes.
    public var layers: [QuantizedLayer]
    /// For a quantized model, the nodes that stay float, in order, and why; they are in no other list.
    public var floatLayers: [FloatLayer]
    /// Where the model comes from, when known.
    public var lineage: Lineage?
    /// For a quantized model, questions with the answers it must give.
    public var golden: GoldenAnswers?
    /// For a quantized model, how far it is from the float model.
    public var quantizationReport: QuantizationReport?
    /// Anything else, for people and for other programs.
    public var metadata: [String: String]

    /// Makes a value of its parts.
    public init(
        kind: ContainerKind,
        task: ModelTask? = nil,
        graph: GraphStructure? = nil,
        features: [Feature] = [],
        encodings: [String: Encoding] = [:],
        wideEncodings: [String: Float] = [:],
        layers: [QuantizedLayer] = [],
        floatLayers: [FloatLayer] = [],
        lineage: Lineage? = nil,
        golden: GoldenAnswers? = nil,
        quantizationReport: QuantizationReport? = nil,
        metadata: [String: String] = [:]
    ) {
        self.kind = kind
        self.task = task
        self.graph = graph
        self.features = features
        self.encodings = encodings
        self.wideEncodings = wideEncodings
        self.layers = layers
        self.floatLayers = floatLayers
        self.lineage = lineage
        self.golden = golden
        self.quantizationReport = quantizationReport
        self.metadata = metadata
    }
}

extension Manifest {
    private enum CodingKeys: String, CodingKey {
        case kind, task, graph, features, encodings, wideEncodings, layers, floatLayers, lineage, golden,
            quantizationReport, metadata
    }

    /// Reads the fields; `wideEncodings` and `floatLayers` may be missing.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            kind: try container.decode(ContainerKind.self, forKey: .kind),
            task: try container.decodeIfPresent(ModelTask.self, forKey: .task),
            graph: try container.decodeIfPresent(GraphStructure.self, forKey: .graph),
            features: try container.decode([Feature].self, forKey: .features),
            encodings: try container.decode([String: Encoding].self, forKey: .encodings),
            wideEncodings: try container.decodeIfPresent([String: Float].self, forKey: .wideEncodings) ?? [:],
            layers: try container.decode([QuantizedLayer].self, forKey: .layers),
            floatLayers: try container.decodeIfPresent([FloatLayer].self, forKey: .floatLayers) ?? [],
            lineage: try container.decodeIfPresent(Lineage.self, forKey: .lineage),
            golden: try container.decodeIfPresent(GoldenAnswers.self, forKey: .golden),
            quantizationReport: try container.decodeIfPresent(QuantizationReport.self, forKey: .quantizationReport),
            metadata: try container.decode([String: String].self, forKey: .metadata)
        )
    }

    /// Writes the fields that ``init(from:)`` reads; without 16-bit values and float layers a manifest looks as it always did.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(kind, forKey: .kind)
        try container.encodeIfPresent(task, forKey: .task)
        try container.encodeIfPresent(graph, forKey: .graph)
        try container.encode(features, forKey: .features)
        try container.encode(encodings, forKey: .encodings)
        if !wideEncodings.isEmpty { try container.encode(wideEncodings, forKey: .wideEncodings) }
        try container.encode(layers, forKey: .layers)
        if !floatLayers.isEmpty { try container.encode(floatLayers, forKey: .floatLayers) }
        try container.encodeIfPresent(lineage, forKey: .lineage)
        try container.encodeIfPresent(golden, forKey: .golden)
        try container.encodeIfPresent(quantizationReport, forKey: .quantizationReport)
        try container.encode(metadata, forKey: .metadata)
    }
}

/// One named input of a model and what is known about it.
public struct Feature: Codable, Sendable, Hashable {
    /// The name in the pipeline.
    public var name: String
    /// The dimensions of one row of the feature.
    public var shape: [Int]
    /// The unit of the values, as the pipeline names it.
    public var unit: String?
    /// The least value that the pipeline's schema allows.
    public var min: Float?
    /// The greatest value that the pipeline's schema allows.
    public var max: Float?
    /// The least value in the training data, over all elements.
    public var trainingMin: Float?
    /// The greatest value in the training data, over all elements.
    public var trainingMax: Float?

    /// Makes a value of its parts.
    public init(
        name: String,
        shape: [Int],
        unit: String? = nil,
        min: Float? = nil,
        max: Float? = nil,
        trainingMin: Float? = nil,
        trainingMax: Float? = nil
    ) {
        self.name = name
        self.shape = shape
        self.unit = unit
        self.min = min
        self.max = max
        self.trainingMin = trainingMin
        self.trainingMax = trainingMax
    }
}

/// Where a model comes from.
public struct Lineage: Codable, Sendable, Hashable {
    /// The name of the pipeline.
    public var pipeline: String
    /// The version of the pipeline that trained the model.
    public var pipelineVersion: String
    /// The run of the pipeline that made the model.
    public var runid: String
    /// `champion`, or the name of a shadow.
    public var role: String
    /// The name of the training data.
    public var dataset: String
    /// The SHA-256 of the container of the training data.
    public var datasetDigest: String
    /// The key of the first row of the training data.
    public var firstKey: String
    /// The key of the last row of the training data.
    public var lastKey: String
    /// The number of rows.
    public var rows: Int
    /// The seed of the training.
    public var seed: UInt64
    /// For a quantized model, the digest of the float model it was made from.
    public var parent: String?
    /// The program and version that wrote the container.
    public var createdBy: String

    /// Makes a value of its parts.
    public init(
        pipeline: String,
        pipelineVersion: String,
        runid: String,
        role: String,
        dataset: String,
        datasetDigest: String,
        firstKey: String,
        lastKey: String,
        rows: Int,
        seed: UInt64,
        parent: String? = nil,
        createdBy: String
    ) {
        self.pipeline = pipeline
        self.pipelineVersion = pipelineVersion
        self.runid = runid
        self.role = role
        self.dataset = dataset
        self.datasetDigest = datasetDigest
        self.firstKey = firstKey
        self.lastKey = lastKey
        self.rows = rows
        self.seed = seed
        self.parent = parent
        self.createdBy = createdBy
    }
}

/// How one fully-connected node or convolution of a quantized model runs.
///
/// Its numbers are tensors of the container, named after the node.
public struct QuantizedLayer: Codable, Sendable, Hashable {
    /// What becomes of the 32-bit sums.
    public enum Output: String, Codable, Sendable, Hashable {
        /// Bytes again, for the next layer: by `multiplier`, `leftShift`, `rightShift` of each output.
        case requantized
        /// Real numbers, at full resolution: by `scale` of each output.
        case accumulator
    }

    /// The name of the node.
    public var node: String
    /// What becomes of the node's sums.
    public var output: Output

    /// Makes a value of its parts.
    public init(node: String, output: Output) {
        self.node = node
        self.output = output
    }

    /// `s32 [outputs]`, when the output is `requantized`.
    public var multiplierTensor: String { "\(node).multiplier" }
    /// `s32 [outputs]`, when the output is `requantized`.
    public var leftShiftTensor: String { "\(node).left-shift" }
    /// `s32 [outputs]`, when the output is `requantized`.
    public var rightShiftTensor: String { "\(node).right-shift" }
    /// `f32 [outputs]`: the scale of the input times that of each output's weights, when the output is `accumulator`.
    public var scaleTensor: String { "\(node).scale" }
    /// `f32 [elements]`, `[channels]` or `[1]`, see ``/Quantization/InputEncoding``: of the only input, or of one by name.
    public static func gainTensor(of input: String?) -> String { "\(input ?? "input").gain" }
    /// As ``gainTensor(of:)``, with the same shape.
    public static func offsetTensor(of input: String?) -> String { "\(input ?? "input").offset" }
}

/// A node of a quantized model that runs on real numbers.
///
/// Its constants are tensors of 32-bit floats, named as in the graph.
public struct FloatLayer: Codable, Sendable, Hashable {
    /// The name of the node.
    public var node: String
    /// Why it has no integers, for people.
    public var reason: String

    /// Makes a value of its parts.
    public init(node: String, reason: String) {
        self.node = node
        self.reason = reason
    }
}

/// How far a quantized model is from the float model it was made from, over the calibration rows.
public struct QuantizationReport: Codable, Sendable, Hashable {
    /// Ratios of signal to noise are cut here, since without any noise they are infinite.
    public static let decibelsMax = 200.0

    /// One value of the graph that stands as bytes or sums.
    public struct Layer: Codable, Sendable, Hashable {
        /// The node that produces the value; the input is named as in the graph.
        public var name: String
        /// The power of the float values over that of the differences, in decibels.
        public var signalToNoiseDB: Double
        /// The least and greatest float value.
        public var min: Float
        /// The greatest float value.
        public var max: Float
        /// The share of float values that the encoding cannot reach, in 0...1.
        public var saturatedShare: Double
        /// The cosine of the angle between float and quantized values, taken as two vectors: 1 when only their length
        /// differs. Nil in older containers.
        public var cosine: Double?

        /// Makes a value of its parts.
        public init(
            name: String,
            signalToNoiseDB: Double,
            min: Float,
            max: Float,
            saturatedShare: Double,
            cosine: Double? = nil
        ) {
            self.name = name
            self.signalToNoiseDB = signalToNoiseDB
            self.min = min
            self.max = max
            self.saturatedShare = saturatedShare
            self.cosine = cosine
        }
    }

    /// What stands for a comparison of no rows.
    public static let empty = QuantizationReport(
        rows: 0,
        maxAbsError: 0,
        meanAbsError: 0,
        signalToNoiseDB: decibelsMax,
        layers: []
    )

    /// The number of rows.
    public var rows: Int
    /// The greatest absolute difference of an output.
    public var maxAbsError: Double
    /// The mean absolute difference of the outputs.
    public var meanAbsError: Double
    /// The power of the float values over that of the differences, in decibels.
    public var signalToNoiseDB: Double
    /// The input first, then each layer in order.
    public var layers: [Layer]
    /// What was done besides rounding to the nearest, in order.
    public var measures: [Measure]

    /// Something that was done for the sake of the answers.
    public struct Measure: Codable, Sendable, Hashable {
        /// What it is: `equalization`, `mixed precision`, `adaround` or `bias correction`.
        public var name: String
        /// Whether it is in the model: what makes the answers worse is undone.
        public var isKept: Bool
        /// The signal to noise of the answers without it, in decibels.
        public var before: Double
        /// The same with it.
        public var after: Double
        /// What was done to each layer, for people.
        public var details: [String]

        /// Makes a value of its parts.
        public init(name: String, isKept: Bool = true, before: Double, after: Double, details: [String]) {
            self.name = name
            self.isKept = isKept
            self.before = before
            self.after = after
            self.details = details
        }
    }

    /// Makes a value of its parts.
    public init(
        rows: Int,
        maxAbsError: Double,
        meanAbsError: Double,
        signalToNoiseDB: Double,
        layers: [Layer],
        measures: [Measure] = []
    ) {
        self.rows = rows
        self.maxAbsError = maxAbsError
        self.meanAbsError = meanAbsError
        self.signalToNoiseDB = signalToNoiseDB
        self.layers = layers
        self.measures = measures
    }

    private enum CodingKeys: String, CodingKey {
        case rows, maxAbsError, meanAbsError, signalToNoiseDB, layers, measures
    }

    /// Reads the fields; `measures` may be missing.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            rows: try container.decode(Int.self, forKey: .rows),
            maxAbsError: try container.decode(Double.self, forKey: .maxAbsError),
            meanAbsError: try container.decode(Double.self, forKey: .meanAbsError),
            signalToNoiseDB: try container.decode(Double.self, forKey: .signalToNoiseDB),
            layers: try container.decode([Layer].self, forKey: .layers),
            measures: try container.decodeIfPresent([Measure].self, forKey: .measures) ?? []
        )
    }

    /// Writes the fields that ``init(from:)`` reads; without measures a report looks as it always did.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(rows, forKey: .rows)
        try container.encode(maxAbsError, forKey: .maxAbsError)
        try container.encode(meanAbsError, forKey: .meanAbsError)
        try container.encode(signalToNoiseDB, forKey: .signalToNoiseDB)
        try container.encode(layers, forKey: .layers)
        if !measures.isEmpty { try container.encode(measures, forKey: .measures) }
    }
}
