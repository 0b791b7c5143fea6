import ArgumentParser
import ModelGraph

/// How pictures become rows of a model.
struct ImageOptions: ParsableArguments {
    enum Fit: String, CaseIterable, ExpressibleByArgument {
        /// A picture of another size is an error.
        case exact
        /// To the size of the model in both directions.
        case stretch
        /// Until it covers the size of the model; what is too much is cut off on both sides.
        case crop
    }

    enum Order: String, CaseIterable, ExpressibleByArgument {
        case rgb, bgr
    }

    @Option(
        name: .customLong("image-fit"),
        help: "What becomes of a picture of another size than the model's input: exact is an error."
    )
    var fit: Fit = .exact

    @Option(
        name: .customLong("image-mean"),
        help: ArgumentHelp(
            "What is taken from each byte of a pixel: one number, or one for each channel.",
            valueName: "numbers"
        )
    )
    var mean = "0"

    @Option(
        name: .customLong("image-scale"),
        help: ArgumentHelp("What the rest is multiplied with, likewise, such as 0.017 or 1/255.", valueName: "numbers")
    )
    var scale = "1"

    @Option(name: .customLong("image-order"), help: "The order of the colours in the model's input.")
    var order: Order = .rgb

    func validate() throws {
        for (name, text) in [("--image-mean", mean), ("--image-scale", scale)] where Self.numbers(text) == nil {
            throw ValidationError("\(name) \(text) must be a number, or one for each channel with commas between")
        }
    }

    /// `0.5`, `1/255` or `123.7,116.3,103.5`.
    private static func numbers(_ text: String) -> [Float]? {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { part -> Float? in
            let fraction = part.split(separator: "/", omittingEmptySubsequences: false).map { Float($0) }
            guard fraction.count <= 2, let first = fraction[0] else { return nil }
            let value = fraction.count == 2 ? fraction[1].map { first / $0 } : first
            return value.flatMap { $0.isFinite ? $0 : nil }
        }
        let numbers = parts.compactMap { $0 }
        return numbers.count == parts.count && [1, 3].contains(numbers.count) ? numbers : nil
    }

    /// A row of the model, in the order of its file.
    ///
    /// - Throws: ``CommandError`` without the name of the file.
    func row(_ picture: Picture, for source: SourceFile) throws(CommandError) -> [Float] {
        guard source.inputs.count == 1, let plane = Plane(source.inputs[0].shape, isFile: source.isImported) else {
            throw CommandError(
                "a picture is no row of the model's input (\(source.inputShapes)); give .npy or raw float32"
            )
        }
        let fitted = try fitted(picture.converted(to: plane.channels), plane)
        let (mean, scale) = (Self.numbers(mean) ?? [0], Self.numbers(scale) ?? [1])
        var row = [Float](repeating: 0, count: fitted.bytes.count)
        for (index, byte) in fitted.bytes.enumerated() {
            let (pixel, colour) = (index / plane.channels, index % plane.channels)
            let channel = order == .bgr ? plane.channels - 1 - colour : colour
            let value = (Float(byte) - mean[mean.count == 1 ? 0 : channel]) * scale[scale.count == 1 ? 0 : channel]
            let place =
                plane.isChannelsFirst
                ? channel * plane.width * plane.height + pixel : pixel * plane.channels + channel
            row[place] = value
        }
        return row
    }

    private func fitted(_ picture: Picture, _ plane: Plane) throws(CommandError) -> Picture {
        guard picture.width != plane.width || picture.height != plane.height else { return picture }
        switch fit {
        case .exact:
            throw CommandError(
                "the picture has \(picture.width)x\(picture.height) pixels and the model's input \(plane.width)x"
                    + "\(plane.height); say --image-fit crop or stretch"
            )
        case .stretch: return picture.resized(width: plane.width, height: plane.height)
        case .crop:
            // The greatest part in the middle with the shape of the input.
            let width = min(picture.width, max(1, picture.height * plane.width / plane.height))
            let height = min(picture.height, max(1, picture.width * plane.height / plane.width))
            let (x, y) = ((picture.width - width) / 2, (picture.height - height) / 2)
            return picture.part(x: x, y: y, width: width, height: height)
                .resized(width: plane.width, height: plane.height)
        }
    }

    /// An input that is a picture.
    private struct Plane {
        let width: Int
        let height: Int
        let channels: Int
        let isChannelsFirst: Bool

        /// - Parameter isFile: The dimensions are those of a file of another program, which may have the channels first.
        init?(_ shape: [Int], isFile: Bool) {
            switch shape.count {
            case 2: (height, width, channels, isChannelsFirst) = (shape[0], shape[1], 1, false)
            case 3 where [1, 3].contains(shape[2]):
                (height, width, channels, isChannelsFirst) = (shape[0], shape[1], shape[2], false)
            case 3 where isFile && [1, 3].contains(shape[0]):
                (height, width, channels, isChannelsFirst) = (shape[1], shape[2], shape[0], true)
            default: return nil
            }
        }
    }
}
