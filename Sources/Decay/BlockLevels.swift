extension RollingErrorMonitor.Settings {
    /// Puts the levels where a reference's own ups and downs end: its errors are cut into blocks as long as the window,
    /// and the levels lie so many standard deviations of the blocks' means over the mean of all errors.
    ///
    /// - Parameters:
    ///   - errors: Errors of the model when it was accepted, in their order, at least two windows of them.
    ///   - near: Deviations to the near level, above 0.
    ///   - breach: Deviations to the breach level, at least `near`.
    /// - Throws: ``DecaySettingsError`` for too few errors, and as the other initializer.
    public init(
        reference errors: [Double],
        window: Int,
        near: Double = 2,
        breach: Double = 3,
        rearmAfter: Int
    ) throws(DecaySettingsError) {
        guard window >= 1, errors.count / window >= 2 else {
            throw DecaySettingsError("reference", "\(errors.count) errors", "at least two windows of \(window)")
        }
        let sizes = errors.map(\.magnitude)
        let mean = pairwiseSum(sizes[...]) / Double(sizes.count)
        var blocks = Moments()
        for start in stride(from: 0, through: sizes.count - window, by: window) {
            blocks.add(pairwiseSum(sizes[start..<start + window]) / Double(window))
        }
        guard mean > 0 else { throw DecaySettingsError("reference", "errors of 0", "errors with a mean above 0") }
        try self.init(
            window: window,
            near: 1 + near * blocks.deviation / mean,
            breach: 1 + breach * blocks.deviation / mean,
            baseline: mean,
            rearmAfter: rearmAfter
        )
    }
}
