import Decay

extension DriftReplay {
    func outliers(_ item: GoldenFolder.Case) throws -> GoldenJSON {
        switch item.kind {
        case "robust_z":
            let values = try folder.numbers(item.input)
            let range = RobustRange(Sample(Array(values.dropLast())))
            let (fences, wide) = (range.fences(), range.fences(3))
            return [
                "median": .number(range.median), "mad_sigma": .number(range.deviation),
                "z": GoldenJSON(values.suffix(3).map { range.z($0) }), "q1": .number(range.lowerQuartile),
                "q3": .number(range.upperQuartile), "fences": GoldenJSON([fences.lowerBound, fences.upperBound]),
                "fences3": GoldenJSON([wide.lowerBound, wide.upperBound]),
                "min": .number(range.minimum), "max": .number(range.maximum),
            ]
        case "hampel_trailing":
            var filter = HampelFilter(
                window: item.params["window"].integer ?? 21,
                limit: item.params["k"].number ?? 5
            )
            let found = try folder.numbers(item.input).enumerated().filter { filter.add($0.element) }.map(\.offset)
            return ["indexes": GoldenJSON(found)]
        case "mahalanobis":
            guard let rows = item.input["train"].rows, let queries = item.input["query"].rows,
                let method = Mahalanobis.Shrinkage(rawValue: String(item.id.dropFirst("mahalanobis.".count))),
                let fitted = Mahalanobis(rows, shrinkage: method)
            else { throw Mismatch("no covariance") }
            return [
                "location": GoldenJSON(fitted.center), "covariance": GoldenJSON(fitted.covariance),
                "shrinkage": .number(fitted.shrinkage),
                "d2": GoldenJSON(queries.map { fitted.squaredDistance($0) }),
                "pvalue_chi2_3": GoldenJSON(queries.map { fitted.pValue($0) }),
            ]
        default: throw Mismatch("unknown \(item.kind)")
        }
    }

    func outlierAreas(_ item: GoldenFolder.Case) throws {
        let stream = try folder.stream(item.input["stream"].string)
        guard let labels = stream["labels"].bits, let rows = stream["rows"].rows, rows.count == labels.count else {
            throw Mismatch("no rows")
        }
        let inliers = rows.indices.filter { !labels[$0] }
        let train = inliers.prefix(max(60, inliers.count / 2)).map { rows[$0] }
        // Distances are taken of standardized features.
        let moments = train[0].indices.map { column in
            var moments = Moments()
            for row in train { moments.add(row[column]) }
            return moments
        }
        func standardized(_ row: [Double]) -> [Double] {
            zip(row, moments).map { ($0 - $1.mean) / ($1.deviation > 0 ? $1.deviation : 1) }
        }
        guard let mahalanobis = Mahalanobis(train.map(standardized)) else { throw Mismatch("no covariance") }
        let chosen = Set(inliers.prefix(train.count))
        let ranges = train[0].indices.map { column in RobustRange(Sample(train.map { $0[column] })) }
        let factor = LocalOutlierFactor(train.map(standardized))
        let scorers: [(String, ([Double]) -> Double)] = [
            (
                "max_robust_z",
                { row in
                    zip(row, ranges).map { $1.deviation > 0 ? abs($1.z($0)) : 0 }.max() ?? 0
                }
            ),
            ("mahalanobis_ledoitwolf", { mahalanobis.squaredDistance(standardized($0)) }),
            ("lof20_novelty", { factor.factor(standardized($0)) }),
        ]
        // The rows that were learned from may or may not be among those that are scored; the count tells which.
        for rest in [rows.indices.filter { !chosen.contains($0) }, Array(rows.indices)] {
            let truth = rest.map { labels[$0] }
            var problem: String?
            for (name, score) in scorers {
                let scores = rest.map { score(rows[$0]) }
                let area = Ranking.areaUnderCurve(scores, truth)
                let precision = Ranking.averagePrecision(scores, truth)
                if let expected = item.expect["roc_auc"][name].number, abs(area - expected) > 1e-6 {
                    problem = problem ?? "the area of \(name) is \(area); \(expected) was recorded"
                }
                if let expected = item.expect["average_precision"][name].number, abs(precision - expected) > 1e-6 {
                    problem = problem ?? "the precision of \(name) is \(precision); \(expected) was recorded"
                }
            }
            if problem != nil, rest.count != rows.count { continue }
            if let problem { throw Mismatch(problem) }
            let areas = item.expect["isolation_forest_auc_5_seeds"].numbers ?? []
            let bound = areas.reduce(0, +) / Double(areas.count) - 0.01
            let forest = IsolationForest(train, trees: 200)
            let area = Ranking.areaUnderCurve(forest.scores(rest.map { rows[$0] }), truth)
            guard area >= bound else { throw Mismatch("the forest's area is \(area); \(bound) is asked") }
            return
        }
    }
}
