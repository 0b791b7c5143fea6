import HVX

extension WideConvolution {
    /// The definition: `vmpy` of halfwords, and the requantization without a zero point.
    func reference(_ memory: [UInt8], rows: Int) throws(KernelError) -> [UInt8] {
        let output = try shape()
        let sums = ReferenceSums(
            input: input,
            output: output,
            window: window,
            groups: groups,
            elementBytes: 2,
            padding: 0
        ) { channels, firstInput in
            ChannelTile(
                channels: channels,
                firstInput: firstInput,
                weights: weights,
                biases: biases,
                reduction: window.taps * (input.channels / groups)
            )
        }
        switch result {
        case .sums:
            return sums.collect(memory, rows: rows, output: output, elementBytes: 4) { _, words in words }
        case .halfwords(let channels, let range):
            let registers = sums.tiles.map { tile in RequantizeRegisters(tile.channels.map { channels[$0] }) }
            let (low, high) = (Int32(range.lowerBound), Int32(range.upperBound))
            return sums.collect(memory, rows: rows, output: output, elementBytes: 2) { tile, words in
                let halves = Q6.Vh_vpack_VwVw_sat(Q6.V_vzero(), registers[tile].scale(words))
                return Q6.Vh_vmin_VhVh(Q6.Vh_vmax_VhVh(halves, Q6.Vh_vsplat_R(low)), Q6.Vh_vsplat_R(high))
            }
        }
    }
}
