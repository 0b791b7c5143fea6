/// Somebody brings a model that another program trained, and would like the pipeline to serve it.
public struct ModelOffered: Event {
    /// Durable; said by people and other systems, read by the converter and the registry, which begins a lap.
    public static let kind = EventKind("model", "offered")

    /// The largest file that is taken.
    public static let fileBytesMax = 256 << 20
    /// The most rows and labels that come with it, as bytes of each file.
    public static let rowsBytesMax = 256 << 20
    /// The longest ``name``, ``file``, ``by`` and ``reason``.
    public static let textCharactersMax = 200

    /// Name of the pipeline.
    public var pipeline: String
    /// What the candidate is called in versions and history.
    public var name: String
    /// Artifact: the file as it is, ONNX, TFLite or a container with a float model.
    public var model: String
    /// The name of the file, for people.
    public var file: String
    /// What the file is; what its bytes say when absent. An offer whose bytes say something else is refused.
    public var format: ModelFormat?
    /// Artifact: rows such as the model will meet, in the order of the pipeline's inputs: an `.npy` file, bare float32,
    /// or a data set with `inputs`. The pipeline's own newest rows when absent.
    public var calibration: String?
    /// Artifact: a label for each of these rows, an `.npy` file or bare float32. A data set may have them as `targets`.
    public var labels: String?
    /// For a model with several inputs, the pipeline's input for each of the model's; by name, or in order, when absent.
    public var inputs: [String: String]?
    /// Who offers it.
    public var by: String
    /// Why, for the audit.
    public var reason: String

    /// The pipeline, as the topic's last segment: readers can follow one alone and ask for its newest event.
    public var subject: String { pipeline }

    /// Whether texts and digests are what they must be; files and pipeline are for others to look at.
    /// - Throws: `EventError` `badData` that names the field.
    public func check() throws(EventError) {
        for (field, text) in [("name", name), ("file", file), ("by", by), ("reason", reason)] {
            guard !text.isEmpty, text.count <= Self.textCharactersMax, !text.contains(where: \.isNewline) else {
                throw EventError(
                    .badData,
                    "field '\(field)' must be one line of 1 to \(Self.textCharactersMax) characters"
                )
            }
        }
        for (field, digest) in [("model", model), ("calibration", calibration), ("labels", labels)] {
            guard let digest else { continue }
            let isDigest =
                digest.utf8.count == 64
                && digest.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
            guard isDigest else {
                throw EventError(.badData, "field '\(field)' is no digest: 64 digits 0-9 and a-f; store the file first")
            }
        }
        guard labels == nil || calibration != nil else {
            throw EventError(.badData, "field 'labels' is there and 'calibration', whose rows it labels, is not")
        }
    }

    /// An offer from its parts.
    public init(
        pipeline: String,
        name: String,
        model: String,
        file: String,
        format: ModelFormat? = nil,
        calibration: String? = nil,
        labels: String? = nil,
        inputs: [String: String]? = nil,
        by: String,
        reason: String
    ) {
        self.pipeline = pipeline
        self.name = name
        self.model = model
        self.file = file
        self.format = format
        self.calibration = calibration
        self.labels = labels
        self.inputs = inputs
        self.by = by
        self.reason = reason
    }
}

/// The formats of models that can be offered.
public enum ModelFormat: String, Codable, Sendable, Hashable, CaseIterable {
    case onnx
    case tflite
    /// A container (`.hxm`) with a float model.
    case container
}

/// Where a model that was offered comes from.
public struct ModelSource: Codable, Sendable, Hashable {
    /// Artifact: the file as it was offered.
    public var digest: String
    /// What its bytes say that it is.
    public var format: ModelFormat
    /// The name of the file.
    public var file: String
    /// Who offered it.
    public var by: String
    /// Why.
    public var reason: String

    /// A source from its parts.
    public init(digest: String, format: ModelFormat, file: String, by: String, reason: String) {
        self.digest = digest
        self.format = format
        self.file = file
        self.by = by
        self.reason = reason
    }
}
