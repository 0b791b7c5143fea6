public import HVX
import Quantization

extension Operator {
    /// The fewest packets in which a Hexagon could issue the operator for one row.
    ///
    /// Counted are the instructions of its definition with every register full, each byte of input and weights loaded
    /// once and each byte of output stored once; scalar work, interleaving, dependencies and caches are not. So it is a
    /// lower bound, by the units that each instruction keeps busy.
    ///
    /// - Throws: ``KernelError`` when a part of the operator is invalid.
    public func hexagonPackets() throws(KernelError) -> PacketBound {
        var cost = InstructionCount()
        cost.add("X_vmem_load", try inputBytes().reduce(0, +), each: Vector.byteCount)
        let bytes = try outputBytes()
        cost.add("X_vmem_store", bytes, each: Vector.byteCount)
        switch self {
        case .convolution(let operation):
            let sums = try operation.shape().count
            let words = (operation.reduction + 3) / 4
            cost.add("X_vmem_load", operation.weights.count, each: Vector.byteCount)
            switch operation.weights {
            case .int8: cost.add("Vw_vrmpyacc_VwVubVb", sums * words, each: 32)
            case .uint8: cost.add("Vuw_vrmpyacc_VuwVubVub", sums * words, each: 32)
            }
            if case .bytes(let stage) = operation.result { cost.add(stage, sums: sums) }
        case .wideConvolution(let operation):
            let sums = try operation.shape().count
            let halfwords = operation.window.taps * (operation.input.channels / operation.groups)
            cost.add("X_vmem_load", 2 * operation.weights.count, each: Vector.byteCount)
            cost.add("Ww_vmpyacc_WwVhVh", sums * ((halfwords + 1) / 2), each: 32)
            if case .halfwords(let channels, _) = operation.result {
                cost.add(channels, sums: sums)
                cost.add("Vh_vpack_VwVw_sat", sums, each: 64)
                cost.add("Vh_vmax_VhVh", sums, each: 64)
                cost.add("Vh_vmin_VhVh", sums, each: 64)
            }
        case .addition(let operation):
            cost.add("Wuh_vzxt_Vub", 2 * bytes, each: 128)
            cost.add("Wh_vsub_WhWh", 2 * bytes, each: 128)
            cost.add("Ww_vmpy_VhRh", bytes, each: 64)
            cost.add("Ww_vmpyacc_WwVhRh", bytes, each: 64)
            cost.add("Vh_vasr_VwVwR_rnd_sat", bytes, each: 64)
            cost.add("Vh_vadd_VhVh_sat", bytes, each: 64)
            cost.add("Vub_vsat_VhVh", bytes, each: 128)
            cost.add(clampTo: operation.range, bytes: bytes)
        case .multiplication(let operation):
            cost.add("Wuh_vzxt_Vub", 2 * bytes, each: 128)
            cost.add("Wh_vsub_WhWh", 2 * bytes, each: 128)
            cost.add("Ww_vmpy_VhVh", bytes, each: 64)
            cost.add(operation.stage, sums: bytes)
        case .table:
            cost.add("Vb_vlut32_VbVbR", bytes, each: 128)
            cost.add("Vb_vlut32or_VbVbVbR", 7 * bytes, each: 128)
        case .softmax:
            cost.add("Vub_vmax_VubVub", bytes, each: 128)
            cost.add("Vb_vsub_VbVb", bytes, each: 128)
            cost.add("Wh_vlut16_VbVhR", bytes, each: 128)
            cost.add("Wh_vlut16or_WhVbVhR", 15 * bytes, each: 128)
        case .maximumPool(let operation):
            cost.add("Vub_vmax_VubVub", bytes * max(0, operation.window.taps - 1), each: 128)
            cost.add(clampTo: operation.range, bytes: bytes)
        case .averagePool(let operation):
            cost.add("Vuw_vrmpyacc_VuwVubVub", bytes * ((operation.window.taps + 3) / 4), each: 32)
            cost.add(operation.counts, sums: bytes)
        case .concatenation(let operation):
            for part in operation.parts where part.table != nil {
                cost.add("Vb_vlut32_VbVbR", operation.outer * part.count, each: 128)
                cost.add("Vb_vlut32or_VbVbVbR", 7 * operation.outer * part.count, each: 128)
            }
        case .resize(let operation) where !operation.isNearest:
            cost.add("Wuh_vmpy_VubRub", 2 * bytes, each: 128)
            cost.add("Wuh_vmpyacc_WuhVubRub", 2 * bytes, each: 128)
            cost.add("Wuw_vmpy_VuhRuh", bytes, each: 64)
            cost.add("Wuw_vmpyacc_WuwVuhRuh", bytes, each: 64)
            cost.add("Vh_vasr_VwVwR_rnd_sat", bytes, each: 64)
            cost.add("Vub_vsat_VhVh", bytes, each: 128)
        case .border, .transposition, .slice, .resize, .gather: break
        }
        return cost.bound
    }
}

/// Instructions by name, with the units that the catalogue says they keep busy.
private struct InstructionCount {
    var bound = PacketBound()

    /// As many as `elements` need when each takes `width` of them.
    mutating func add(_ name: String, _ elements: Int, each width: Int) {
        guard let operation = Catalogue.operation(named: name) else {
            preconditionFailure("no instruction is called \(name)")
        }
        bound.add(operation.resource, count: (elements + width - 1) / width)
    }

    /// Sums to words, with shifts only where a channel has them.
    mutating func add(_ channels: [Requantization], sums: Int) {
        if channels.contains(where: { $0.leftShift > 0 }) { add("Vw_vasl_VwVw", sums, each: 32) }
        add("Vw_vmpye_VwVuh", sums, each: 32)
        add("Vw_vmpyoacc_VwVwVh_s1_rnd_sat_shift", sums, each: 32)
        if channels.contains(where: { $0.rightShift > 0 }) {
            add("Vw_vadd_VwVw_sat", sums, each: 32)
            add("Vw_vasr_VwVw", sums, each: 32)
        }
    }

    /// Sums to bytes.
    mutating func add(_ stage: RequantizeStage, sums: Int) {
        add(stage.channels, sums: sums)
        add("Vh_vpack_VwVw_sat", sums, each: 64)
        add("Vh_vadd_VhVh_sat", sums, each: 64)
        add("Vub_vpack_VhVh_sat", sums, each: 128)
        add(clampTo: stage.range, bytes: sums)
    }

    mutating func add(clampTo range: ClosedRange<UInt8>, bytes: Int) {
        if range.lowerBound > 0 { add("Vub_vmax_VubVub", bytes, each: 128) }
        if range.upperBound < 255 { add("Vub_vmin_VubVub", bytes, each: 128) }
    }
}
