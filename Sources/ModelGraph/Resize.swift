/// Another height and width for planes `[height, width, channels]`.
public struct Resize: Codable, Sendable, Hashable {
    /// How a sample between elements is made.
    public enum Mode: String, Codable, Sendable, Hashable, CaseIterable {
        case nearest
        case bilinear
    }

    /// Where on the input an output index lies; `scale` is input size over output size.
    public enum Coordinates: String, Codable, Sendable, Hashable, CaseIterable {
        /// `i * scale`
        case asymmetric
        /// `(i + 0.5) * scale - 0.5`
        case halfPixel = "half-pixel"
        /// As `halfPixel`, but 0 when the output has one element.
        case halfPixelOrZero = "half-pixel-or-zero"
        /// `i * (input - 1) / (output - 1)`, and 0 when the output has one element.
        case alignCorners = "align-corners"
        /// `(i + 0.5) * scale`: TFLite's nearest neighbour with half-pixel centers.
        case halfPixelUnshifted = "half-pixel-unshifted"
    }

    /// Which element is nearest to a place.
    public enum Rounding: String, Codable, Sendable, Hashable, CaseIterable {
        case floor
        case ceil
        /// Ties to the lower element.
        case preferFloor = "prefer-floor"
        /// Ties to the upper element.
        case preferCeil = "prefer-ceil"
    }

    /// How a sample between elements is made.
    public var mode: Mode
    /// The height and width of the result.
    public var size: Extent
    /// Where on the input an output index lies.
    public var coordinates: Coordinates
    /// Which element is nearest; `bilinear` does not use it.
    public var rounding: Rounding

    /// Makes a value of its parts.
    public init(_ mode: Mode, size: Extent, coordinates: Coordinates, rounding: Rounding = .floor) {
        self.mode = mode
        self.size = size
        self.coordinates = coordinates
        self.rounding = rounding
    }

    /// Two neighbouring elements along an axis, and how much of the second there is in a sample.
    public struct Sample: Sendable, Hashable {
        /// The element before the place, or the nearest.
        public var low: Int
        /// The element after the place, or the nearest again.
        public var high: Int
        /// In 0...1; 0 for the nearest.
        public var fraction: Double
    }

    /// What each output index along an axis is made of. Places outside the input take the element at the edge.
    ///
    /// - Precondition: Both sizes are positive.
    public func samples(input: Int, output: Int) -> [Sample] {
        (0..<output).map { index in
            let place = place(of: index, input: input, output: output)
            guard mode == .bilinear else {
                let nearest = min(max(round(place), 0), input - 1)
                return Sample(low: nearest, high: nearest, fraction: 0)
            }
            let inside = min(max(place, 0), Double(input - 1))
            let low = Int(inside)
            return Sample(low: low, high: min(low + 1, input - 1), fraction: inside - Double(low))
        }
    }

    private func place(of index: Int, input: Int, output: Int) -> Double {
        let scale = Double(input) / Double(output)
        switch coordinates {
        case .asymmetric: return Double(index) * scale
        case .halfPixel: return (Double(index) + 0.5) * scale - 0.5
        case .halfPixelOrZero: return output == 1 ? 0 : (Double(index) + 0.5) * scale - 0.5
        case .alignCorners: return output == 1 ? 0 : Double(index * (input - 1)) / Double(output - 1)
        case .halfPixelUnshifted: return (Double(index) + 0.5) * scale
        }
    }

    private func round(_ place: Double) -> Int {
        switch rounding {
        case .floor: Int(place.rounded(.down))
        case .ceil: Int(place.rounded(.up))
        case .preferFloor: Int((place - 0.5).rounded(.up))
        case .preferCeil: Int((place + 0.5).rounded(.down))
        }
    }
}
