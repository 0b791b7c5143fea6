extension Double {
    /// The number as people read it: at most four digits that matter, `5` for 5.0.
    public var readable: String {
        guard isFinite, self != 0 else { return self == 0 ? "0" : "\(self)" }
        guard magnitude >= 1e-4, magnitude < 1e15 else { return "\(self)" }
        var scale = 1.0
        while magnitude * scale < 1000, scale < 1e8 { scale *= 10 }
        let rounded = (self * scale).rounded() / scale
        return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
    }
}
