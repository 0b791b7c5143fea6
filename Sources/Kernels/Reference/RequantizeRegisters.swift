import HVX
import Quantization

/// The integers of a requantization for 32 words, each word a channel.
struct RequantizeRegisters {
    private let multiplier: Vector
    private let left: Vector
    private let right: Vector
    /// `1 << (right - 1)`, and 0 where `right` is 0.
    private let half: Vector

    /// - Parameter channels: Of words 0, 1, ...; at most 32. The other words become 0.
    init(_ channels: [Requantization]) {
        precondition(channels.count <= 32, "a register has 32 words")
        func words(_ value: (Requantization) -> Int32) -> Vector {
            Vector(Int32.self) { $0 < channels.count ? value(channels[$0]) : 0 }
        }
        self.init(multiplier: words(\.multiplier), left: words(\.leftShift), right: words(\.rightShift))
    }

    /// The same for all words.
    init(_ channel: Requantization) {
        self.init(
            multiplier: Q6.V_vsplat_R(channel.multiplier),
            left: Q6.V_vsplat_R(channel.leftShift),
            right: Q6.V_vsplat_R(channel.rightShift)
        )
    }

    private init(multiplier: Vector, left: Vector, right: Vector) {
        self.multiplier = multiplier
        self.left = left
        self.right = right
        // Shifting 1 by -1 leaves nothing.
        half = Q6.Vw_vasl_VwVw(Q6.V_vsplat_R(1), Q6.Vw_vsub_VwVw(right, Q6.V_vsplat_R(1)))
    }

    /// The words before they are narrowed: `z` of ``/Quantization/Requantization``.
    ///
    /// `vmpye` takes the lower half of the multiplier, `vmpyo` the upper one and rounds: together they are
    /// `sat32((t * multiplier + 2^30) >> 31)` of a product of 64 bits that no register holds.
    func scale(_ sums: Vector) -> Vector {
        let shifted = Q6.Vw_vasl_VwVw(sums, left)
        let lower = Q6.Vw_vmpye_VwVuh(shifted, multiplier)
        let product = Q6.Vw_vmpyoacc_VwVwVh_s1_rnd_sat_shift(lower, shifted, multiplier)
        return Q6.Vw_vasr_VwVw(Q6.Vw_vadd_VwVw_sat(product, half), right)
    }
}

extension RequantizeStage {
    /// The registers of up to 32 of the channels.
    func registers(_ chosen: [Int]) -> RequantizeRegisters { RequantizeRegisters(chosen.map { channels[$0] }) }

    /// Saturation to halfwords, zero point, saturation to bytes, clamp: byte i of the result is word i.
    func narrowed(_ words: Vector) -> Vector {
        let halves = moved(Q6.Vh_vpack_VwVw_sat(Q6.V_vzero(), words))
        return Q6.Vub_vpack_VhVh_sat(Q6.V_vzero(), halves).clamped(to: range)
    }

    /// `sat(halves + zeroPoint)`
    func moved(_ halves: Vector) -> Vector {
        Q6.Vh_vadd_VhVh_sat(halves, Q6.Vh_vsplat_R(Int32(zeroPoint)))
    }

    /// The bytes of each row by the definition, `[rows, channelCount]` row-major.
    ///
    /// - Parameter accumulators: `[rows, channelCount]` row-major.
    /// - Throws: ``KernelError/invalidShape(_:)``, ``KernelError/count(what:expected:actual:)``.
    public func reference(_ accumulators: [Int32], rows: Int) throws(KernelError) -> [UInt8] {
        try collect(accumulators, rows: rows, elementBytes: 1) { narrowed($0) }
    }

    /// The words of each row before they are narrowed, `z` of ``/Quantization/Requantization``, as bytes in little-endian
    /// order.
    ///
    /// - Parameter accumulators: `[rows, channelCount]` row-major.
    /// - Throws: ``KernelError/invalidShape(_:)``, ``KernelError/count(what:expected:actual:)``.
    public func referenceWords(_ accumulators: [Int32], rows: Int) throws(KernelError) -> [UInt8] {
        try collect(accumulators, rows: rows, elementBytes: 4) { $0 }
    }

    private func collect(
        _ accumulators: [Int32],
        rows: Int,
        elementBytes: Int,
        _ narrow: (Vector) -> Vector
    ) throws(KernelError) -> [UInt8] {
        let expected = try elementCount(rows, channelCount)
        guard accumulators.count == expected else {
            throw .count(what: "accumulators", expected: expected, actual: accumulators.count)
        }
        var bytes = [UInt8](repeating: 0, count: expected * elementBytes)
        for first in stride(from: 0, to: channelCount, by: 32) {
            let width = min(32, channelCount - first)
            let registers = registers(Array(first..<first + width))
            for row in 0..<rows {
                let start = row * channelCount + first
                let sums = Vector(Int32.self) { $0 < width ? accumulators[start + $0] : 0 }
                narrow(registers.scale(sums))
                    .store(&bytes, at: start * elementBytes, count: width * elementBytes)
            }
        }
        return bytes
    }
}
