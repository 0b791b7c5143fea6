import ModelGraph

/// `Resize` and `Upsample`.
///
/// Planes become the graph's own operation where that says the same. Everything else is, for each dimension, sums with
/// weights that do not depend on the input.
struct ONNXResize {
    let operands: ONNXOperands

    private struct Axis {
        var axis: Int
        var scale: Double
        var size: Int
        var region: ClosedRange<Double>
    }

    func result(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let input = try operands.value(0)
        let axes = try axes(of: input)
        let mode = node.text("mode", "nearest")
        guard ["nearest", "linear", "cubic", "bilinear"].contains(mode) else { throw .unsupported("mode \(mode)") }
        let changed = axes.filter {
            $0.size != input.shape[$0.axis] || $0.scale != 1 || coordinates == "tf_crop_and_resize"
        }
        guard !changed.isEmpty else { return input }
        if let resize = plain(changed, input, mode) {
            return try builder.resize(input, channel: 1, spatial: [2, 3], resize)
        }
        var result = input
        for axis in changed {
            let extent = input.shape[axis.axis]
            try builder.spend(extent * axis.size)
            var map = LinearMap(inputs: extent, outputs: axis.size)
            for index in 0..<axis.size {
                guard let taps = taps(of: index, axis, extent: extent, mode) else {
                    map.offsets[index] = node.float("extrapolation_value", 0)
                    continue
                }
                for (place, weight) in taps { map.weights[index * extent + place] += Float(weight) }
            }
            result = try builder.map(result, map, axis: axis.axis)
        }
        return result
    }

    private var node: ONNXNode { operands.node }

    private var coordinates: String {
        operands.opset < 11 || node.proto.opType == "Upsample"
            ? "asymmetric" : node.text("coordinate_transformation_mode", "half_pixel")
    }

    private var rounding: String {
        // Before version 11 the nearest was the one before.
        operands.opset < 11 || node.proto.opType == "Upsample"
            ? "floor" : node.text("nearest_mode", "round_prefer_floor")
    }

    private func axes(of input: Value) throws(Refusal) -> [Axis] {
        let rank = input.shape.count
        let named = try node.integers("axes").map { list throws(Refusal) in try operands.axes(list, rank: rank) }
        let places = named ?? Array(0..<rank)
        let isOld = operands.opset < 11 || node.proto.opType == "Upsample"
        let scaleOperand = isOld ? 1 : 2
        var scales: [Float] = node.floats("scales") ?? []
        if scales.isEmpty, operands.has(scaleOperand) { scales = try operands.constant(scaleOperand).floats }
        let sizes = !isOld && operands.has(3) ? try operands.integers(3) : []
        guard scales.isEmpty != sizes.isEmpty, max(scales.count, sizes.count) == places.count else {
            throw .damaged("\(scales.count) scales and \(sizes.count) sizes for \(places.count) dimensions")
        }
        guard sizes.allSatisfy((1...Graph.attributeMax).contains),
            scales.allSatisfy({ $0.isFinite && $0 > 0 && $0 < 0x1p20 })
        else { throw .damaged("a size or scale is not possible") }
        var region: [Float] = []
        if coordinates == "tf_crop_and_resize" {
            region = try operands.constant(1).floats
            guard region.count == 2 * places.count, region.allSatisfy(\.isFinite) else { throw .damaged("roi") }
        }
        var factors = places.indices.map { index in
            sizes.isEmpty ? Double(scales[index]) : Double(sizes[index]) / Double(input.shape[places[index]])
        }
        var targets = sizes
        let policy = node.text("keep_aspect_ratio_policy", "stretch")
        if sizes.isEmpty {
            targets = places.indices.map { Int((factors[$0] * Double(input.shape[places[$0]])).rounded(.down)) }
        } else if policy != "stretch" {
            let common = policy == "not_larger" ? factors.min() ?? 1 : factors.max() ?? 1
            factors = factors.map { _ in common }
            targets = places.map { Int((common * Double(input.shape[$0]) + 0.5).rounded(.down)) }
        }
        return try places.indices.map { index throws(Refusal) in
            guard (1...Graph.attributeMax).contains(targets[index]) else {
                throw .unsupported("a size of \(targets[index])")
            }
            let (low, high) =
                region.isEmpty ? (0, 1) : (Double(region[index]), Double(region[index + places.count]))
            return Axis(
                axis: places[index],
                scale: factors[index],
                size: targets[index],
                region: min(low, high)...max(low, high)
            )
        }
    }

    /// The graph's own operation, if it says the same.
    private func plain(_ axes: [Axis], _ input: Value, _ mode: String) -> Resize? {
        guard input.shape.count == 4, input.shape[0] == 1, axes.allSatisfy({ $0.axis >= 2 }), mode != "cubic",
            node.integer("antialias", 0) == 0,
            axes.allSatisfy({ Double($0.size) == $0.scale * Double(input.shape[$0.axis]) })
        else { return nil }
        let kinds: [String: Resize.Coordinates] = [
            "half_pixel": .halfPixel, "pytorch_half_pixel": .halfPixelOrZero, "align_corners": .alignCorners,
            "asymmetric": .asymmetric,
        ]
        let roundings: [String: Resize.Rounding] = [
            "floor": .floor, "ceil": .ceil, "round_prefer_floor": .preferFloor, "round_prefer_ceil": .preferCeil,
        ]
        guard let kind = kinds[coordinates], let rounding = roundings[rounding] else { return nil }
        // Over one output pytorch_half_pixel lies before the input, where the edge is.
        func size(_ axis: Int) -> Int { axes.first { $0.axis == axis }?.size ?? input.shape[axis] }
        return Resize(
            mode == "nearest" ? .nearest : .bilinear,
            size: Extent(height: size(2), width: size(3)),
            coordinates: kind,
            rounding: rounding
        )
    }

    /// Where on the input an output lies, or nil when it lies outside and takes the extrapolation value.
    private func place(of index: Int, _ axis: Axis, extent: Int) -> Double? {
        let length = axis.scale * Double(extent)
        let (x, last) = (Double(index), Double(extent - 1))
        switch coordinates {
        case "align_corners": return length == 1 ? 0 : x * last / (length - 1)
        case "asymmetric": return x / axis.scale
        case "tf_crop_and_resize":
            let (low, high) = (axis.region.lowerBound, axis.region.upperBound)
            let place =
                length == 1 ? (high - low) * last / 2 + low * last : x * (high - low) * last / (length - 1) + low * last
            return place < 0 || place > last ? nil : place
        case "pytorch_half_pixel": return length == 1 ? -0.5 : (x + 0.5) / axis.scale - 0.5
        case "half_pixel_symmetric":
            let offset = Double(extent) / 2 * (1 - Double(axis.size) / length)
            return offset + (x + 0.5) / axis.scale - 0.5
        default: return (x + 0.5) / axis.scale - 0.5
        }
    }

    /// Which elements of the input an output is made of, and how much of each.
    private func taps(of index: Int, _ axis: Axis, extent: Int, _ mode: String) -> [(place: Int, weight: Double)]? {
        guard let x = place(of: index, axis, extent: extent) else { return nil }
        let whole = x.rounded(.down)
        // In 0 < ratio <= 1: of two elements the one before is preferred.
        let ratio = whole == x ? 1 : x - whole
        var weights = self.weights(ratio, scale: axis.scale, mode)
        let first = Int(x.rounded(.up)) - weights.count / 2
        if node.integer("exclude_outside", 0) != 0 {
            for tap in weights.indices where !(0..<extent).contains(first + tap) { weights[tap] = 0 }
            let sum = weights.reduce(0, +)
            weights = weights.map { $0 / sum }
        }
        return weights.enumerated().map { tap, weight in (min(max(first + tap, 0), extent - 1), weight) }
    }

    private func weights(_ ratio: Double, scale: Double, _ mode: String) -> [Double] {
        let isSmooth = node.integer("antialias", 0) != 0
        let a = Double(node.float("cubic_coeff_a", -0.75))
        func cubic(_ x: Double) -> Double {
            let x = x.magnitude
            if x <= 1 { return (a + 2) * x * x * x - (a + 3) * x * x + 1 }
            return x < 2 ? a * x * x * x - 5 * a * x * x + 8 * a * x - 4 * a : 0
        }
        func spread(_ reach: Double, _ weight: (Double) -> Double) -> [Double] {
            let scale = min(scale, 1)
            // A scale that reaches further than a window may be is cut there.
            let start = max(Int((-reach / scale).rounded(.down)) + 1, -1024)
            let weights = (start..<(start + 2 - 2 * start)).map { weight((Double($0) - ratio) * scale) }
            let sum = weights.reduce(0, +)
            return weights.map { $0 / sum }
        }
        switch mode {
        case "nearest":
            guard ratio != 1 else { return [0, 1] }
            return switch rounding {
            case "floor": [1, 0]
            case "ceil": [0, 1]
            case "round_prefer_ceil": ratio < 0.5 ? [1, 0] : [0, 1]
            default: ratio <= 0.5 ? [1, 0] : [0, 1]
            }
        case "cubic":
            return isSmooth ? spread(2, cubic) : [cubic(ratio + 1), cubic(ratio), cubic(1 - ratio), cubic(2 - ratio)]
        default:
            return isSmooth ? spread(1) { max(0, 1 - $0.magnitude) } : [1 - ratio, ratio]
        }
    }
}
