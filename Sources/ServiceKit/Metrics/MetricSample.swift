/// The value of one series at one moment, as it travels between processes.
public struct MetricSample: Sendable, Equatable, Codable {
    /// The metric's name with its unit, such as `bus_publish_seconds`.
    public var name: String
    /// What the series is about; each label has a bounded set of values.
    public var labels: [String: String]
    /// How the value behaves.
    public var kind: Kind
    /// The count so far, the level now, or the sum of all values of a histogram.
    public var value: Double
    /// The distribution; only for a histogram.
    public var distribution: Distribution?
    /// One sentence about the metric.
    public var help: String?

    /// How a value behaves.
    public enum Kind: String, Sendable, Codable {
        /// Only grows, until the process starts anew.
        case counter
        /// Goes up and down.
        case gauge
        /// Counts values by size.
        case histogram
    }

    /// How many values were seen, by size.
    public struct Distribution: Sendable, Equatable, Codable {
        /// The number of values.
        public var count: Int
        /// Buckets by rising bound. Values above the last bound are in ``count`` only.
        public var buckets: [Bucket]

        /// Creates a distribution.
        public init(count: Int, buckets: [Bucket]) {
            self.count = count
            self.buckets = buckets
        }
    }

    /// A part of a distribution.
    public struct Bucket: Sendable, Equatable, Codable {
        /// The largest value in the bucket.
        public var upperBound: Double
        /// The number of values that are not larger than the bound, those of smaller buckets included.
        public var count: Int

        /// Creates a bucket.
        public init(upperBound: Double, count: Int) {
            self.upperBound = upperBound
            self.count = count
        }
    }

    /// Creates a sample.
    public init(
        name: String,
        labels: [String: String] = [:],
        kind: Kind,
        value: Double,
        distribution: Distribution? = nil,
        help: String? = nil
    ) {
        self.name = name
        self.labels = labels
        self.kind = kind
        self.value = value
        self.distribution = distribution
        self.help = help
    }
}

/// The samples of one process, with labels that tell it from others.
public struct MetricGroup: Sendable, Equatable, Codable {
    /// Labels added to every sample, such as `service` and `instance`.
    public var labels: [String: String]
    /// The samples of the process.
    public var samples: [MetricSample]

    /// Creates a group.
    public init(labels: [String: String], samples: [MetricSample]) {
        self.labels = labels
        self.samples = samples
    }
}
