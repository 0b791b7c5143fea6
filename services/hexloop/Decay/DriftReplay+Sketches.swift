import Decay
import FoundationEssentials

extension DriftReplay {
    /// Compares a sketch; false for formats that are not read.
    func sketch(_ item: GoldenFolder.Case) throws -> Bool {
        switch item.kind {
        case "kll": try quantileSketch(item)
        case "tdigest": try tailSketch(item)
        case "p2": try compareFields(item, p2(item))
        case "hll": try distinct(item)
        case "count_min": try frequencies(item)
        case "frequent_items": try hitters(item)
        case "moments": try compareFields(item, moments(item))
        case "ewm": try compareFields(item, fading(item))
        case "read":
            guard item.id.hasPrefix("read.kll"), let text = item.input["base64"].string,
                let data = Data(base64Encoded: text)
            else { return false }
            try compareFields(item, read(item, Array(data)))
        default: return false
        }
        return true
    }

    private func compareFields(_ item: GoldenFolder.Case, _ answer: GoldenJSON) throws(Mismatch) {
        try compare(item, answer)
    }

    /// How far the rank of a value is from what was asked; equal values share their ranks.
    private func rankError(_ sorted: [Double], _ value: Double, _ p: Double) -> Double {
        let n = Double(sorted.count)
        var (low, high) = (0, sorted.count)
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] < value { low = middle + 1 } else { high = middle }
        }
        var (from, to) = (low, sorted.count)
        while from < to {
            let middle = (from + to) / 2
            if sorted[middle] <= value { from = middle + 1 } else { to = middle }
        }
        let (below, upTo) = (Double(low) / n, Double(from) / n)
        return p < below ? below - p : p > upTo ? p - upTo : 0
    }

    private func quantileSketch(_ item: GoldenFolder.Case) throws {
        let values = try folder.numbers(item.input)
        guard let k = item.params["k"].integer, let bound = item.expect["rank_error_bound_99pct"].number,
            let probabilities = item.expect["exact_quantiles"].members?.keys.compactMap(Double.init)
        else { throw Mismatch("no bound") }
        let sorted = values.sorted()
        var misses = 0
        let runs = 15
        for seed in 0..<runs {
            var sketch = QuantileSketch(k: k, seed: UInt64(seed))
            sketch.add(contentsOf: values)
            // Every other run merges five parts.
            if seed % 2 == 1 {
                sketch = QuantileSketch(k: k, seed: UInt64(seed))
                for part in 0..<5 {
                    var own = QuantileSketch(k: k, seed: UInt64(100 * seed + part))
                    let size = values.count / 5
                    own.add(contentsOf: values[part * size..<(part == 4 ? values.count : (part + 1) * size)])
                    sketch.merge(own)
                }
            }
            let worst = zip(probabilities, sketch.quantiles(probabilities)).map { rankError(sorted, $1, $0) }.max() ?? 1
            if worst > bound { misses += 1 }
            if let bytes = item.expect["peer_serialized_bytes"].number, seed == 0 {
                let ours = sketch.serialized().count
                guard Double(ours) <= 1.1 * bytes else {
                    throw Mismatch("the sketch has \(ours) bytes; \(1.1 * bytes) are asked at most")
                }
            }
            guard sketch.minimum == sorted.first, sketch.maximum == sorted.last, sketch.count == values.count else {
                throw Mismatch("count, minimum or maximum is not exact")
            }
        }
        guard misses == 0 else { throw Mismatch("\(misses) of \(runs) runs are over the bound of \(bound)") }
    }

    private func tailSketch(_ item: GoldenFolder.Case) throws {
        let values = try folder.numbers(item.input)
        guard let k = item.params["k"].integer, let peers = item.expect["peer_rank_error"].members else {
            throw Mismatch("no bound")
        }
        let sorted = values.sorted()
        var sketch = TailSketch(k: k)
        for value in values { sketch.add(value) }
        guard sketch.minimum == sorted.first, sketch.maximum == sorted.last else {
            throw Mismatch("minimum or maximum is not exact")
        }
        for (text, peer) in peers.sorted(by: { $0.key < $1.key }) {
            guard let p = Double(text), let value = sketch.quantile(p), let peer = peer.number else { continue }
            let error = rankError(sorted, value, p)
            let bound = max(peer, 4 * p * (1 - p) / Double(k) + 1 / Double(values.count))
            guard error <= bound else { throw Mismatch("the rank of \(p) is \(error) off; \(bound) is allowed") }
        }
    }

    private func p2(_ item: GoldenFolder.Case) throws -> GoldenJSON {
        guard let p = item.params["q"].number, let rows = item.expect["checkpoints"].rows else {
            throw Mismatch("no checkpoints")
        }
        let values = try folder.numbers(item.input)
        var estimator = QuantileP2(probability: p)
        let places = Set(rows.map { Int($0[0]) })
        var answer: [[Double]] = []
        let last = places.max() ?? 0
        for (index, value) in values.prefix(last).enumerated() {
            estimator.add(value)
            if places.contains(index + 1) { answer.append([Double(index + 1), estimator.value ?? .nan]) }
        }
        return ["checkpoints": GoldenJSON(answer)]
    }

    private func distinct(_ item: GoldenFolder.Case) throws {
        // "user-shared-i for i in 0..9, UTF-8"
        guard let precision = item.params["lg_k"].integer, let words = item.input["keys"].string?.split(separator: " "),
            let name = words.first, name.hasSuffix("-i"), let range = words.first(where: { $0.hasPrefix("0..") }),
            let last = Int(range.dropFirst(3).prefix { $0.isNumber })
        else { throw Mismatch("no keys") }
        let prefix = name.dropLast(2)
        var sketch = DistinctSketch(precision: precision)
        for i in 0...last { sketch.add("\(prefix)-\(i)") }
        let count = Double(last + 1)
        let error = abs(sketch.estimate - count) / count
        guard error <= 3 * sketch.standardError else {
            throw Mismatch("\(sketch.estimate) of \(last + 1) were counted")
        }
    }

    /// The keys of the frequency cases: `'k' + floor(1 / (1 - 0.9995 u))`.
    private func frequencyKeys(_ input: GoldenJSON) -> [String] {
        var generator = CounterGenerator(seed: UInt64(input["seed"].integer ?? 31))
        return (0..<50_000).map { _ in "k\(Int((1 / (1 - 0.9995 * generator.uniform())).rounded(.down)))" }
    }

    private func frequencies(_ item: GoldenFolder.Case) throws {
        var sketch = FrequencySketch(
            rows: item.params["num_hashes"].integer ?? 5,
            width: item.params["num_buckets"].integer ?? 2000
        )
        var counts: [String: Int] = [:]
        for key in frequencyKeys(item.input) {
            sketch.add(key)
            counts[key, default: 0] += 1
        }
        for (key, value) in item.expect["true"].members ?? [:] {
            guard (counts[key] ?? 0) == value.integer else { throw Mismatch("the keys were not rebuilt") }
        }
        var misses = 0
        for (key, count) in counts {
            let estimate = sketch.count(of: key)
            guard estimate >= count else { throw Mismatch("\(key) came \(count) times and \(estimate) were counted") }
            if Double(estimate - count) > sketch.error { misses += 1 }
        }
        let allowed = Double(counts.count) * 0.0068
        guard Double(misses) <= allowed else {
            throw Mismatch("\(misses) of \(counts.count) counts are over the bound")
        }
    }

    private func hitters(_ item: GoldenFolder.Case) throws {
        var sketch = HeavyHitters()
        for key in frequencyKeys(item.input) { sketch.add(key) }
        let items = sketch.items
        for row in item.expect["true_top"].elements ?? [] {
            guard let key = row.elements?.first?.string, let count = row.elements?.last?.integer else { continue }
            guard let ours = items.first(where: { $0.value == key }) else { throw Mismatch("\(key) is not kept") }
            guard ours.lower <= count, count <= ours.upper else {
                throw Mismatch("\(key) came \(count) times and not \(ours.lower)...\(ours.upper)")
            }
        }
    }

    private func moments(_ item: GoldenFolder.Case) throws -> GoldenJSON {
        let values = try folder.numbers(item.input)
        func summary(_ moments: Moments) -> GoldenJSON {
            [
                "n": GoldenJSON(moments.count), "mean": .number(moments.mean), "var_pop": .number(moments.variance),
                "var_sample": .number(moments.sampleVariance), "skew": .number(moments.skewness),
                "kurtosis": .number(moments.kurtosis), "min": GoldenJSON(moments.minimum),
                "max": GoldenJSON(moments.maximum),
            ]
        }
        var whole = Moments()
        for value in values { whole.add(value) }
        for cut in [0, 1, values.count / 3, values.count] where cut <= values.count {
            var (first, second) = (Moments(), Moments())
            for value in values[..<cut] { first.add(value) }
            for value in values[cut...] { second.add(value) }
            first.merge(second)
            try compare(item, summary(first))
        }
        return summary(whole)
    }

    private func fading(_ item: GoldenFolder.Case) throws -> GoldenJSON {
        guard let factor = item.params["fading_factor"].number, let rows = item.expect["rows"].rows else {
            throw Mismatch("no rows")
        }
        let places = Set(rows.map { Int($0[0]) })
        var moments = FadingMoments(fading: factor)
        var answer: [[Double]] = []
        for value in try folder.numbers(item.input) {
            moments.add(value)
            if places.contains(moments.count) {
                answer.append([Double(moments.count), moments.mean, moments.variance])
            }
        }
        return ["rows": GoldenJSON(answer)]
    }

    private func read(_ item: GoldenFolder.Case, _ bytes: [UInt8]) throws -> GoldenJSON {
        let sketch = try QuantileSketch(serialized: bytes)
        guard sketch.serialized().count == bytes.count else { throw Mismatch("written again it has other bytes") }
        func table(_ name: String, _ value: (Double) -> Double) -> GoldenJSON {
            var answer: [String: GoldenJSON] = [:]
            for key in (item.expect[name].members ?? [:]).keys { answer[key] = .number(value(Double(key) ?? .nan)) }
            return .object(answer)
        }
        let places = item.expect["cdf_at"].numbers ?? []
        return [
            "n": GoldenJSON(sketch.count), "min": GoldenJSON(sketch.minimum), "max": GoldenJSON(sketch.maximum),
            "quantiles": table("quantiles") { sketch.quantile($0) ?? .nan },
            "ranks": table("ranks") { sketch.rank($0) }, "cdf_at": GoldenJSON(places),
            "cdf": GoldenJSON(places.map { sketch.rank($0) } + [1]),
        ]
    }
}
