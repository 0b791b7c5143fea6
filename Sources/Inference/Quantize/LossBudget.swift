import Quantization

/// How much of the answers may be noise.
public struct LossBudget: Sendable, Hashable, CustomStringConvertible {
    /// The least signal to noise of the answers over the calibration rows.
    public let decibels: Double

    /// - Parameter decibels: In 0...120.
    public init?(decibels: Double) {
        guard (0...120).contains(decibels) else { return nil }
        self.decibels = decibels
    }

    /// Reads decibels such as `40dB`, or what the errors may be of the answers, both as roots of mean squares, such as `1%`,
    /// which are 40 decibels.
    public init?(_ text: String) {
        if text.hasSuffix("%"), let percent = Double(text.dropLast()), percent > 0, percent <= 100 {
            self.init(decibels: min(120, max(0, 20 * Logarithm.base10(100 / percent))))
        } else if text.hasSuffix("dB") {
            var number = text.dropLast(2)
            while number.last == " " { number.removeLast() }
            guard let decibels = Double(number) else { return nil }
            self.init(decibels: decibels)
        } else {
            return nil
        }
    }

    /// Decibels to two digits.
    public var description: String {
        let hundredths = Int((decibels * 100).rounded())
        let rest = hundredths % 100
        let digits = rest == 0 ? "" : rest % 10 == 0 ? ".\(rest / 10)" : rest < 10 ? ".0\(rest)" : ".\(rest)"
        return "\(hundredths / 100)\(digits) dB"
    }
}
