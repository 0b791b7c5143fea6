/// One pipeline file, checked and with every default filled in.
///
/// A value of this type made by ``init(yaml:)`` or ``init(json:)`` is consistent: names resolve, numbers are in range.
/// ``canonicalJSON()`` is the same text for every file that says the same, whatever its order of keys, its comments and
/// the defaults it spells out; its SHA-256 is the version of the pipeline. `Codable` uses the same form and checks.
public struct Pipeline: Codable, Sendable, Hashable {
    /// Largest accepted file, in bytes.
    public static let documentBytesMax = 256 * 1024

    /// Name, unique in one installation: `[a-z0-9-]`, up to 63 characters.
    public var name: String
    /// What happens by itself.
    public var automation: Automation
    /// What the model does.
    public var task: Task
    /// Where its data comes from and what is accepted.
    public var data: DataSource
    /// How the champion is trained.
    public var train: TrainSettings
    /// Further models trained beside the champion, in file order.
    public var shadows: [Shadow]
    /// How the model becomes integer.
    public var quantize: QuantizeSettings
    /// What a new model must pass before it may replace the champion.
    public var gates: Gates
    /// How a new model reaches the nodes.
    public var rollout: Rollout
    /// When the model counts as decayed.
    public var monitor: MonitorSettings
    /// How often the loop may run.
    public var policy: Policy

    /// What happens by itself after decay is detected.
    public enum Automation: String, Codable, Sendable, Hashable, CaseIterable {
        /// Nothing: a person asks for training and for promotion (level 0).
        case manual
        /// Training starts, and a person is told and promotes (level 1).
        case alert
        /// Training, gates and rollout all run (level 2).
        case automatic
    }

    /// What the model does: its inputs and its answer.
    public struct Task: Codable, Sendable, Hashable {
        /// Kinds of answer.
        public enum Kind: String, Codable, Sendable, Hashable, CaseIterable {
            /// A number.
            case regression
            /// One of ``Task/classes`` classes.
            case classification
        }

        /// Kind of answer.
        public var kind: Kind
        /// Inputs in file order, which is the order of the flat feature row.
        public var inputs: [Input]
        /// Name of the answer.
        public var target: String
        /// Number of classes; nil for regression.
        public var classes: Int?
    }

    /// One input of the model.
    public struct Input: Codable, Sendable, Hashable {
        /// Name in observations.
        public var name: String
        /// Shape without batch, each 1 or more.
        public var shape: [Int]
        /// Unit in words, such as `USD`.
        public var unit: String?

        /// Elements of this input.
        public var count: Int { shape.reduce(1, *) }
    }

    /// Where observations and labels come from.
    public struct DataSource: Codable, Sendable, Hashable {
        /// Subject of the observations.
        public var observations: String
        /// Subject of the labels.
        public var labels: String
        /// Limits in the order of the inputs; an input without an entry has no limits.
        public var schema: [FeatureSchema]
    }

    /// What is accepted for one input.
    public struct FeatureSchema: Codable, Sendable, Hashable {
        /// What happens to an observation without this input.
        public enum Missing: String, Codable, Sendable, Hashable, CaseIterable {
            /// The observation is refused by name.
            case refuse
        }

        /// Name of the input.
        public var name: String
        /// Smallest accepted value of any element; nil without limit.
        public var min: Double?
        /// Largest accepted value of any element; nil without limit.
        public var max: Double?
        /// What happens to an observation without this input.
        public var missing: Missing
    }

    /// How a model is trained.
    public struct TrainSettings: Codable, Sendable, Hashable {
        /// Kinds of trainer.
        public enum Kind: String, Codable, Sendable, Hashable, CaseIterable {
            /// The built-in network of fully connected layers.
            case mlp
            /// A program of the data scientist, ``TrainSettings/run``.
            case command
        }

        /// What training minimizes.
        public enum Loss: String, Codable, Sendable, Hashable, CaseIterable {
            /// Quadratic near zero and linear far away: outliers weigh less.
            case huber
            /// Mean squared error.
            case mse
            /// For classification.
            case crossEntropy = "cross-entropy"
        }

        /// Kind of trainer.
        public var kind: Kind
        /// Command line of the trainer, empty for `mlp`.
        public var run: [String]
        /// Longest run of an external trainer, in seconds (default 1h).
        public var timeoutSeconds: Double
        /// Neurons of each hidden layer; empty for a linear model (default 32, 16).
        public var hidden: [Int]
        /// What training minimizes (default huber, for classification cross-entropy).
        public var loss: Loss
        /// Passes over the data at most (default 60).
        public var epochs: Int
        /// Seed of every random choice (default 1).
        public var seed: UInt64
        /// Rows per step (default 64).
        public var batch: Int
        /// Step size of the optimizer (default 0.001).
        public var learningRate: Double
        /// Epochs without improvement after which training stops; 0 for never (default 10).
        public var patience: Int
        /// Latest rows that the champion is trained on; nil for all (default).
        public var windowRows: Int?
        /// Share of the rows held out to choose the best epoch, 0 to 0.5 (default 10%).
        public var holdoutShare: Double
    }

    /// A model trained beside the champion on its own window.
    public struct Shadow: Codable, Sendable, Hashable {
        /// Name, unique in the pipeline and not `champion`.
        public var name: String
        /// Latest rows that it is trained on; nil for all.
        public var windowRows: Int?
    }

    /// How the model becomes integer.
    public struct QuantizeSettings: Codable, Sendable, Hashable {
        /// Formats of weights.
        public enum Weights: String, Codable, Sendable, Hashable, CaseIterable {
            /// Signed 8 bits, symmetric, one scale per output channel.
            case int8PerChannel = "int8-per-channel"
        }

        /// Formats of activations.
        public enum Activations: String, Codable, Sendable, Hashable, CaseIterable {
            /// Unsigned 8 bits with a zero point.
            case uint8
            /// Signed 16 bits, symmetric.
            case int16
        }

        /// How the range of bytes follows from the values seen.
        public enum Observer: String, Codable, Sendable, Hashable, CaseIterable {
            /// All that was seen.
            case minMax = "min-max"
            /// All but the rarest at both ends.
            case percentile
            /// The range with the least mean squared error.
            case mse
            /// The range whose bytes tell most of the distribution.
            case entropy
        }

        /// Whether layers may stay float.
        public enum FloatLayers: String, Codable, Sendable, Hashable, CaseIterable {
            /// Where there are no integers, or the answers need it; the container names them.
            case allow
            /// The conversion fails and names them.
            case refuse
        }

        /// Format of weights.
        public var weights: Weights
        /// Format of activations.
        public var activations: Activations
        /// Rows that ranges are measured on (default 512).
        public var calibrationRows: Int
        /// How ranges follow from the values seen (default all of them).
        public var observer: Observer = .minMax
        /// How many of a hundred values the observer `percentile` keeps (default 99.99).
        public var percentile = 99.99
        /// Whether layers may stay float (default allow).
        public var floatLayers: FloatLayers = .allow
        /// The signal to noise that the answers must have, as a person wrote it: `40dB` or `1%`. Layers that cost too much
        /// get more bits (default none).
        public var mixedPrecision: String?
        /// Whether channels between layers are scaled against each other (default no).
        public var equalizes = false
        /// Whether the mean errors of layers are taken out of their biases (default no).
        public var correctsBias = false
        /// Steps in which each layer learns how to round its weights; 0 rounds to the nearest (default 0).
        public var adaround = 0
    }

    /// Measures of a model; for each of them smaller is better, and each is the mean of one error per prediction.
    public enum Metric: String, Codable, Sendable, Hashable, CaseIterable {
        /// Mean absolute error, for regression.
        case meanAbsoluteError = "mae"
        /// Share of wrong answers, for classification.
        case errorRate = "error-rate"
    }

    /// What a new model must pass.
    public struct Gates: Codable, Sendable, Hashable {
        /// What the metric is compared with.
        public enum Against: String, Codable, Sendable, Hashable, CaseIterable {
            /// The model in charge: the new one must not be worse on recent rows.
            case champion
            /// Nothing: only the other gates count.
            case nothing
        }

        /// Measure that is compared.
        public var metric: Metric
        /// What it is compared with (default champion).
        public var against: Against
        /// Largest share by which the integer model may be worse than its float parent (default 2%).
        public var maxQuantizationDrop: Double
        /// Golden questions whose answers must agree in every bit (default 16).
        public var goldenAnswers: Int
        /// Slices that are compared each on its own, in file order (default none).
        public var slices: [Slice]
        /// Latest labelled rows that champion and new model are compared on (default 250).
        public var recentRows: Int
        /// Largest share by which the new model may be worse on the frozen test set (default 50%).
        public var frozenWorse: Double
    }

    /// A way to cut the test rows into parts.
    public struct Slice: Codable, Sendable, Hashable {
        /// `year`, `month`, `weekday`, `hour`, or the name of an input.
        public var by: String
        /// Largest share by which the new model may be worse on one part (default 50%).
        public var worse: Double
    }

    /// How a new model reaches the nodes.
    public struct Rollout: Codable, Sendable, Hashable {
        /// How a node learns of a new model.
        public enum Reload: String, Codable, Sendable, Hashable, CaseIterable {
            /// The registry tells it.
            case push
        }

        /// Steps, each larger than the one before; the last is all nodes.
        public var waves: [Wave]
        /// Predictions that each wave must make before the next begins (default 50).
        public var holdPredictions: Int
        /// When the rollout is taken back.
        public var abortOn: AbortConditions
        /// How a node learns of a new model.
        public var reload: Reload
    }

    /// One step of a rollout.
    public enum Wave: Codable, Sendable, Hashable {
        /// This many nodes have the new model.
        case nodes(Int)
        /// This share of the nodes has the new model, above 0 and up to 1.
        case share(Double)

        /// Nodes that have the new model in this wave, at least 1 and at most all.
        public func nodeCount(of all: Int) -> Int {
            switch self {
            case .nodes(let count): min(count, all)
            case .share(let share): min(all, max(1, Int((share * Double(all) - 1e-9).rounded(.up))))
            }
        }
    }

    /// When a rollout is taken back.
    public struct AbortConditions: Codable, Sendable, Hashable {
        /// Refusals to load the model, from this many on (default 1).
        public var refused: Int
        /// Share by which the new model may be worse than the champion in the same time (default 5%).
        public var metricWorse: Double
    }

    /// How often the loop may run, and what a decay must show before it does.
    public struct Policy: Codable, Sendable, Hashable {
        /// Why a model decays, as the monitor says.
        public enum Cause: String, Codable, Sendable, Hashable, CaseIterable {
            /// The metric is worse, and nothing says why.
            case performance
            /// The metric is worse although the inputs are as they were.
            case concept
            /// The inputs are others than before.
            case inputs
            /// The inputs are not what they should be.
            case quality
            /// The probabilities no longer say how often the model is right.
            case calibration
        }

        /// Least time between the end of one run and the start of the next, in seconds (default 30s).
        public var cooldownSeconds: Double
        /// Runs in one day at most (default 48).
        public var runsPerDay: Int
        /// Labelled predictions of the champion that a decay must rest on (default: ``MonitorSettings/minLabels``).
        public var minLabels: Int
        /// Causes for which a run begins (default all but quality: training on broken inputs teaches the fault).
        public var causes: [Cause]
        /// So many pipelines that decay within ``stormSeconds`` are no decay of models but a trouble they share
        /// (default 5).
        public var stormPipelines: Int
        /// The time in which pipelines decay together, in seconds (default 10m).
        public var stormSeconds: Double
    }

    /// Elements of one flat feature row.
    public var featureCount: Int { task.inputs.reduce(0) { $0 + $1.count } }
}
