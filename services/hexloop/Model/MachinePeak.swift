import Kernels

/// What one core of this machine can do at most, measured.
struct MachinePeak {
    let variant: KernelVariant
    /// Exact 8-bit multiply-adds in a second from registers, in units of 1e9.
    let gigaMultiplyAdds: Double

    /// A measurement takes about that long for each variant.
    private static let duration: Duration = .milliseconds(60)
    private static let rounds = 6

    /// The variant with the most of them, not always the one that kernels use.
    static func measure() -> MachinePeak {
        let all = KernelVariant.available.map { variant in
            MachinePeak(variant: variant, gigaMultiplyAdds: best(variant))
        }
        return all.max { $0.gigaMultiplyAdds < $1.gigaMultiplyAdds }
            ?? MachinePeak(variant: .scalar, gigaMultiplyAdds: 0)
    }

    private static func best(_ variant: KernelVariant) -> Double {
        var turns = 1000
        var elapsed = Duration.zero
        while elapsed < duration / rounds {
            turns *= 2
            elapsed = ContinuousClock().measure { _ = variant.multiplyAdds(turns: turns) }
        }
        var best = 0.0
        for _ in 0..<rounds {
            var count = 0
            let elapsed = ContinuousClock().measure { count = variant.multiplyAdds(turns: turns) }
            best = max(best, Double(count) / elapsed.seconds / 1e9)
        }
        return best
    }
}
