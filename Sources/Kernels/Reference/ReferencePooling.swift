import HVX

extension MaximumPool {
    /// The definition: `vmax` over the taps, 128 channels at a time. Bytes are at least 0, so 0 stands for padding.
    func reference(_ memory: [UInt8], rows: Int) throws(KernelError) -> [UInt8] {
        let output = try shape()
        return window.collect(memory, rows: rows, input: input, output: output, channels: Vector.byteCount) {
            taps,
            count in
            taps.reduce(Q6.V_vzero()) { Q6.Vub_vmax_VubVub($0, Vector(memory, at: $1, count: count)) }
                .clamped(to: range)
        }
    }
}

extension AveragePool {
    /// The definition: sums by `vrmpy` with ones over four taps at a time, 32 channels to a register, and the
    /// requantization for the number of taps.
    func reference(_ memory: [UInt8], rows: Int) throws(KernelError) -> [UInt8] {
        let output = try shape()
        return window.collect(memory, rows: rows, input: input, output: output, channels: 32) { taps, count in
            let sums = Q6.tapSums(memory, taps, count: count)
            let zeros = Q6.V_vsplat_R(Int32(taps.count) * Int32(inputZeroPoint))
            let requantization = counts.channels[isUniform ? 0 : taps.count - 1]
            return counts.narrowed(RequantizeRegisters(requantization).scale(Q6.Vw_vsub_VwVw(sums, zeros)))
        }
    }
}

extension Q6 {
    /// The sums over taps of up to 32 channels, a word for each.
    static func tapSums(_ memory: [UInt8], _ taps: [Int], count: Int) -> Vector {
        let ones = Vb_vsplat_R(1)
        return stride(from: 0, to: taps.count, by: 4).reduce(V_vzero()) { sums, first in
            let four = (first..<first + 4).map {
                $0 < taps.count ? Vector(memory, at: taps[$0], count: count) : V_vzero()
            }
            return Vuw_vrmpyacc_VuwVubVub(sums, interleavedBytes(four), ones)
        }
    }
}

extension Window {
    /// Slides over a map and collects bytes.
    ///
    /// - Parameters:
    ///   - channels: How many of them are computed at once.
    ///   - value: Takes the addresses of the taps that lie inside and the number of channels.
    func collect(
        _ memory: [UInt8],
        rows: Int,
        input: FeatureMap,
        output: FeatureMap,
        channels: Int,
        _ value: (_ taps: [Int], _ count: Int) -> Vector
    ) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: rows * output.count)
        for row in 0..<rows {
            for position in 0..<output.positions {
                let taps = positions(position / output.width, position % output.width, of: input).compactMap { $0 }
                for first in stride(from: 0, to: input.channels, by: channels) {
                    let count = min(channels, input.channels - first)
                    let addresses = taps.map { (row * input.positions + $0) * input.channels + first }
                    let address = (row * output.positions + position) * output.channels + first
                    value(addresses, count).store(&bytes, at: address, count: count)
                }
            }
        }
        return bytes
    }
}
