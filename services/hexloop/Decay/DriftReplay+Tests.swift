import Decay

extension DriftReplay {
    private func pair(_ item: GoldenFolder.Case) throws -> (a: [Double], b: [Double]) {
        (try folder.numbers(item.input["a"]), try folder.numbers(item.input["b"]))
    }

    func twoSample(_ item: GoldenFolder.Case) throws -> GoldenJSON {
        if item.id.hasPrefix("mmd2") {
            guard let a = item.input["A"].rows, let b = item.input["B"].rows, let gamma = item.params["gamma"].number
            else { throw Mismatch("no rows") }
            let answer = MeanDiscrepancy(a, b, gamma: gamma)
            return ["mmd2_biased": .number(answer.biased), "mmd2_unbiased": .number(answer.unbiased)]
        }
        let (first, second) = try pair(item)
        let (a, b) = (Sample(first), Sample(second))
        func result(_ answer: TestResult) -> GoldenJSON {
            ["statistic": .number(answer.statistic), "pvalue": .number(answer.pValue)]
        }
        func valued(_ value: Double) -> GoldenJSON { ["value": .number(value), "drifted_at_0_1": .bool(value >= 0.1)] }
        let parts = item.id.split(separator: ".")
        switch parts[0] {
        case "ks":
            let answer = KolmogorovSmirnov.test(
                a,
                b,
                alternative: Alternative(rawValue: item.params["alternative"].string ?? "") ?? .twoSided,
                method: KolmogorovSmirnov.Method(rawValue: item.params["method"].string ?? "") ?? .auto
            )
            return [
                "statistic": .number(answer.statistic), "pvalue": .number(answer.pValue),
                "location": .number(answer.location), "sign": GoldenJSON(answer.sign),
            ]
        case "cvm": return result(TwoSampleTests.cramerVonMises(a, b, exact: item.params["method"].string == "exact"))
        case "mwu": return result(TwoSampleTests.mannWhitney(a, b))
        case "welch":
            let answer = TwoSampleTests.welch(a, b)
            return [
                "statistic": .number(answer.statistic), "pvalue": .number(answer.pValue), "df": .number(answer.df),
            ]
        case "levene": return result(TwoSampleTests.brownForsythe(a, b))
        case "w1": return ["distance": .number(Transport.wasserstein(a, b))]
        case "energy": return ["distance": .number(Transport.energy(a, b))]
        case "fe": return decileStability(a, b)
        case "ev":
            if parts[1] == "wasserstein" {
                let norm = max(a.variance().squareRoot(), 0.001)
                return valued(Transport.wasserstein(a, b) / norm)
            }
            let shares = evidentlyShares(first, second, byDistinct: parts[1] == "hellinger")
            var answer: [String: GoldenJSON] = [:]
            let value: Double
            var (p, q) = (shares.reference, shares.current)
            switch parts[1] {
            case "psi":
                (p, q) = (Divergence.filled(p), Divergence.filled(q))
                value = Divergence.populationStability(p, q)
            case "jensenshannon": value = Divergence.jensenShannon(p, q)
            case "kl_div":
                (p, q) = (Divergence.filled(p), Divergence.filled(q))
                value = Divergence.kullbackLeibler(p, q)
            case "hellinger": value = Divergence.hellinger(p, q)
            default: throw Mismatch("unknown method \(item.id)")
            }
            answer["value"] = .number(value)
            answer["drifted_at_0_1"] = .bool(value >= 0.1)
            if shares.edges == nil, let theirs = item.expect["fractions"]["ref"].numbers,
                let others = item.expect["fractions"]["cur"].numbers
            {
                // One bin a value; the recorded order is that of a hash table and says nothing.
                let order = zip(theirs, others).enumerated().sorted { $0.element < $1.element }.map(\.offset)
                let pairs = zip(p, q).sorted { $0 < $1 }
                guard order.count == pairs.count else { throw Mismatch("there are \(pairs.count) bins") }
                for (place, pair) in zip(order, pairs) { (p[place], q[place]) = pair }
            }
            answer["edges"] = shares.edges.map { GoldenJSON($0) } ?? .null
            answer["fractions"] = ["ref": GoldenJSON(p), "cur": GoldenJSON(q)]
            return .object(answer)
        case "nml":
            switch parts[1] {
            case "wasserstein": return valued(Transport.wasserstein(a, b))
            case "kolmogorov_smirnov": return valued(KolmogorovSmirnov.distance(a, b))
            default:
                let shares = nannyShares(first, a, b)
                let value =
                    parts[1] == "hellinger"
                    ? Divergence.hellingerOfRoots(shares.reference, shares.current)
                    : Divergence.jensenShannon(shares.reference, shares.current, base: 2)
                return ["value": .number(value), "edges": GoldenJSON(shares.edges)]
            }
        default: throw Mismatch("unknown test \(item.id)")
        }
    }

    /// Evidently's bins: Sturges's rule over both samples, or one for each value where the reference has few.
    private func evidentlyShares(
        _ first: [Double],
        _ second: [Double],
        byDistinct: Bool
    ) -> (reference: [Double], current: [Double], edges: [Double]?) {
        let (a, b) = (Sample(first), Sample(second))
        let distinct = Set(first + second)
        if byDistinct {
            let histogram = Histogram(.sturges, of: distinct.sorted())
            return (histogram.fractions(a), histogram.fractions(b), histogram.edges)
        }
        guard Set(a.sorted).count > 20 else {
            let keys = distinct.sorted()
            func shares(_ sample: Sample) -> [Double] {
                var counts: [Double: Double] = [:]
                for value in sample.sorted { counts[value, default: 0] += 1 }
                return keys.map { (counts[$0] ?? 0) / Double(sample.count) }
            }
            return (shares(a), shares(b), nil)
        }
        let histogram = Histogram(.sturges, of: a.sorted + b.sorted)
        return (histogram.fractions(a), histogram.fractions(b), histogram.edges)
    }

    /// NannyML's bins: Doane's rule over the reference, and one for what lies outside of it.
    private func nannyShares(
        _ reference: [Double],
        _ a: Sample,
        _ b: Sample
    ) -> (reference: [Double], current: [Double], edges: [Double]) {
        let histogram = Histogram(.doane, of: reference)
        let edges = histogram.edges
        var (p, q) = (histogram.fractions(a), histogram.fractions(b))
        let rest = 1 - q.reduce(0, +)
        if rest > 1e-12 {
            p.append(0)
            q.append(rest)
        }
        return (p, q, edges)
    }

    /// Feature-engine's: deciles of the reference, the outer ones open, the upper edge inside.
    private func decileStability(_ a: Sample, _ b: Sample) -> GoldenJSON {
        var edges = (0...10).map { a.quantile(Double($0) * 0.1) }
        edges = edges.enumerated().filter { $0.offset == 0 || $0.element != edges[$0.offset - 1] }.map(\.element)
        let value = SizeAwareStability.decileIndex(a, b, edges: edges, fill: 0.0001)
        return ["value": .number(value), "deciles": GoldenJSON(edges)]
    }

    func otherTwoSample(_ item: GoldenFolder.Case) throws -> GoldenJSON? {
        let (first, second) = try pair(item)
        let (a, b) = (Sample(first), Sample(second))
        if !item.expect["error"].isNull { return [:] }
        let low = min(a.sorted.first ?? 0, b.sorted.first ?? 0)
        let high = max(a.sorted.last ?? 1, b.sorted.last ?? 1)
        var (p, q): ([Double], [Double]) = ([], [])
        if low < high {
            let histogram = Histogram(from: low, to: high, bins: item.params["num_bins"].integer ?? 10)
            (p, q) = (histogram.fractions(a), histogram.fractions(b))
        }
        func distance(_ value: Double) -> GoldenJSON { ["distance": .number(value)] }
        switch item.kind {
        case "HellingerDistance": return p.isEmpty ? nil : distance(Divergence.hellingerOfRoots(p, q))
        case "PSI":
            if p.isEmpty { return nil }
            func filled(_ shares: [Double]) -> [Double] {
                shares.map { $0 == 0 ? Double.leastNormalMagnitude : $0 }
            }
            return distance(Divergence.populationStability(filled(p), filled(q)))
        case "BhattacharyyaDistance":
            if p.isEmpty { return nil }
            let hellinger = Divergence.hellinger(p, q)
            return distance(hellinger * hellinger)
        case "HINormalizedComplement":
            if p.isEmpty { return nil }
            return distance(1 - zip(p, q).reduce(0) { $0 + min($1.0, $1.1) })
        case "EMD": return distance(Transport.wasserstein(a, b))
        case "EnergyDistance": return distance(Transport.energy(a, b))
        case "MannWhitneyUTest":
            let answer = TwoSampleTests.mannWhitney(a, b)
            return ["statistic": .number(answer.statistic), "pvalue": .number(answer.pValue)]
        case "WelchTTest":
            let answer = TwoSampleTests.welch(a, b)
            return ["statistic": .number(answer.statistic), "pvalue": .number(answer.pValue)]
        default: return nil
        }
    }

    func categorical(_ item: GoldenFolder.Case) throws -> GoldenJSON {
        guard let reference = item.input["ref"].numbers, let current = item.input["cur"].numbers else {
            throw Mismatch("no counts")
        }
        let (n, m) = (reference.reduce(0, +), current.reduce(0, +))
        let (p, q) = (reference.map { $0 / n }, current.map { $0 / m })
        func value(_ value: Double) -> GoldenJSON { ["value": .number(value)] }
        let parts = item.id.split(separator: ".")
        switch (parts[0], parts[1]) {
        case ("contingency", _):
            let answer = CategoricalTests.contingency(
                reference: reference,
                current: current,
                item.params["lambda_"].string == nil ? .pearson : .likelihood,
                isCorrected: item.params["correction"].bool ?? true
            )
            return [
                "statistic": .number(answer.statistic), "pvalue": .number(answer.pValue),
                "dof": GoldenJSON(answer.degrees), "expected": GoldenJSON(answer.expected),
            ]
        case ("cramer", _): return value(CategoricalTests.cramersV(reference: reference, current: current))
        case ("fisher", _):
            let counts = (reference + current).map { Int($0) }
            let answer = CategoricalTests.fisherExact(counts[0], counts[1], counts[2], counts[3])
            return ["odds_ratio": .number(answer.statistic), "pvalue": .number(answer.pValue)]
        case ("ev", "psi"): return value(Divergence.populationStability(Divergence.filled(p), Divergence.filled(q)))
        case ("ev", "jensenshannon"): return value(Divergence.jensenShannon(p, q))
        case ("ev", "chisquare"):
            return value(CategoricalTests.goodnessOfFit(reference: reference, current: current).pValue)
        case ("ev", "hellinger"): return value(Divergence.hellinger(p, q))
        case ("ev", "kl_div"):
            return value(Divergence.kullbackLeibler(Divergence.filled(p), Divergence.filled(q)))
        case ("ev", "z"):
            return value(
                RateTests.proportions(Int(reference[0]), of: Int(n), against: Int(current[0]), of: Int(m)).pValue
            )
        case ("nml", "chi2"):
            let answer = CategoricalTests.contingency(reference: reference, current: current)
            return ["value": .number(answer.statistic), "pvalue": .number(answer.pValue)]
        case ("nml", "jensen_shannon"): return value(Divergence.jensenShannon(p, q, base: 2))
        case ("nml", "l_infinity"): return value(Divergence.lInfinity(p, q))
        case ("nml", "hellinger"): return value(Divergence.hellingerOfRoots(p, q))
        default: throw Mismatch("unknown method \(item.id)")
        }
    }

    func multipleTesting(_ item: GoldenFolder.Case) throws -> GoldenJSON {
        guard let p = item.input["p"].numbers, let name = item.params["method"].string else { throw Mismatch("no p") }
        let names = ["bh": "fdr_bh", "by": "fdr_by"]
        guard let method = MultipleTesting(rawValue: names[name] ?? name) else { throw Mismatch("unknown \(name)") }
        let alpha = item.params["alpha"].number ?? 0.05
        return ["adjusted": GoldenJSON(method.adjusted(p)), "reject": GoldenJSON(method.rejected(p, alpha: alpha))]
    }

    func rates(_ item: GoldenFolder.Case) throws -> GoldenJSON? {
        func count(_ name: String) throws(Mismatch) -> Int {
            guard let value = item.input[name].integer else { throw Mismatch("no \(name)") }
            return value
        }
        if item.kind == "ci" {
            let names: [String: RateTests.Interval] = [
                "wilson": .wilson, "beta": .clopperPearson, "agresti_coull": .agrestiCoull, "jeffreys": .jeffreys,
            ]
            guard let method = names[item.params["method"].string ?? ""] else { return nil }
            let alpha = item.params["alpha"].number ?? 0.05
            let answer = RateTests.interval(try count("k"), of: try count("n"), alpha: alpha, method)
            return ["low": .number(answer.low), "high": .number(answer.high)]
        }
        let (k, n) = (try count("k_ref"), try count("n_ref"))
        let (hits, all) = (try count("k_cur"), try count("n_cur"))
        switch item.kind {
        case "prop_z":
            let answer = RateTests.proportions(k, of: n, against: hits, of: all)
            return ["z": .number(answer.statistic), "pvalue": .number(answer.pValue)]
        case "prop_ac":
            let answer = RateTests.agrestiCaffo(hits, of: all, against: k, of: n)
            return ["statistic": .number(answer.statistic), "pvalue": .number(answer.pValue)]
        case "poisson_score":
            let answer = RateTests.poissonScore(hits, over: Double(all) / 100, against: k, over: Double(n) / 100)
            return ["statistic": .number(answer.statistic), "pvalue": .number(answer.pValue)]
        case "binom":
            let p = k == 0 ? 0.5 / Double(n) : Double(k) / Double(n)
            return ["pvalue": .number(RateTests.binomial(hits, of: all, p: p))]
        default: return nil
        }
    }

    func manyFeatures(_ item: GoldenFolder.Case) throws -> GoldenJSON? {
        if item.kind == "frouros_MMD" {
            guard let a = item.input["A"].rows, let b = item.input["B"].rows else { throw Mismatch("no rows") }
            return ["mmd2": .number(MeanDiscrepancy(a, b, gamma: 0.5).unbiased)]
        }
        if item.kind == "ChiSquareDrift", let reference = item.input["ref"].numbers,
            let current = item.input["cur"].numbers
        {
            let answer = CategoricalTests.contingency(reference: reference, current: current)
            return [
                "is_drift": GoldenJSON(answer.pValue < 0.05 ? 1 : 0),
                "p_val": GoldenJSON([Double(Float(answer.pValue))]),
                "distance": GoldenJSON([Double(Float(answer.statistic))]),
            ]
        }
        return nil
    }
}
