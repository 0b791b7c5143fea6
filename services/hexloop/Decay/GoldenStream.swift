import Decay

/// Rebuilds the streams of a recording from their seeds, bit for bit.
struct GoldenStream {
    let values: [Double]

    /// What a stream says that cannot be built.
    struct Problem: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }

    /// More values than this are not built.
    static let countMax = 20_000_000

    /// Builds what a `gen` specification says.
    init(_ spec: GoldenJSON, count: Int? = nil) throws(Problem) {
        if let operation = spec["op"].string {
            values = try Self.made(operation, spec, count)
            return
        }
        guard let kind = spec["gen"].string, let seed = spec["seed"].integer, let parts = spec["segments"].elements
        else { throw Problem("no stream in \(spec)") }
        var generator = CounterGenerator(seed: UInt64(seed))
        var values: [Double] = []
        var memory = 0.0
        let phi = spec["phi"].number ?? 0
        for part in parts {
            guard let n = part["n"].integer, n >= 0, values.count + n <= Self.countMax else {
                throw Problem("a segment of no length")
            }
            func ramp(_ name: String, _ k: Int) throws(Problem) -> Double {
                if let value = part[name].number { return value }
                guard let ends = part[name].numbers, ends.count == 2 else { throw Problem("a segment without \(name)") }
                return ends[0] + (ends[1] - ends[0]) * (Double(k) / Double(n))
            }
            for k in 0..<n {
                switch kind {
                case "bernoulli": values.append(generator.uniform() < (try ramp("p", k)) ? 1 : 0)
                case "normal": values.append(try ramp("mean", k) + ramp("sd", k) * generator.normal())
                case "ar1":
                    memory = phi * memory + (try ramp("sd", k)) * generator.normal()
                    values.append(try ramp("mean", k) + memory)
                case "seasonal":
                    let period = spec["period"].number ?? 1
                    let t = Double(values.count)
                    let part = (t - period * (t / period).rounded(.down)) / period
                    let wave = part < 0.5 ? 4 * part - 1 : 3 - 4 * part
                    let p = try ramp("p", k) + (spec["amp"].number ?? 0) * wave
                    values.append(generator.uniform() < p ? 1 : 0)
                default: throw Problem("unknown stream \(kind)")
                }
            }
        }
        self.values = values
    }

    private static func made(_ operation: String, _ spec: GoldenJSON, _ count: Int?) throws(Problem) -> [Double] {
        guard let count, (0...countMax).contains(count) else { throw Problem("a stream of no length") }
        var generator = CounterGenerator(seed: UInt64(spec["seed"].integer ?? 0))
        switch operation {
        case let text where text.hasPrefix("0,1,2"): return (0..<count).map(Double.init)
        case let text where text.hasPrefix("1/(1-u)^2"):
            return (0..<count).map { _ in
                let rest = 1 - generator.uniform()
                return 1 / (rest * rest)
            }
        case let text where text.hasPrefix("floor(10*u*u)"):
            return (0..<count).map { _ in
                let u = generator.uniform()
                return (10 * u * u).rounded(.down)
            }
        default: throw Problem("unknown stream \(operation)")
        }
    }

    /// Whether count, sum and hash of the first 20 000 values are those that were recorded.
    func matches(_ check: GoldenJSON) -> Bool {
        let first = values.prefix(20_000)
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for value in first {
            var bits = value.bitPattern
            for _ in 0..<8 {
                hash = (hash ^ (bits & 0xFF)) &* 0x100_0000_01B3
                bits >>= 8
            }
        }
        let text = String(hash, radix: 16)
        let padded = String(repeating: "0", count: 16 - text.count) + text
        guard check["n"].integer == values.count, check["fnv1a64"].string == padded else { return false }
        let sum = first.reduce(0, +)
        return check["sum"].number.map { abs($0 - sum) <= 1e-9 * max(1, abs($0)) } ?? true
    }
}
