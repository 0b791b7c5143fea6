import ArgumentParser
import Inference

/// What may be done to a model besides rounding, on the command line.
struct QuantizationFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Keeps a layer in float; may be given several times. Layers without integers stay float in any case.",
            valueName: "name"
        )
    )
    var floatLayer: [String] = []

    @Flag(
        name: .customLong("no-float"),
        help: "Refuses a model of which a layer would stay float, and names all of them."
    )
    var noFloat = false

    @Option(
        help: ArgumentHelp(
            "Gives the layers that cost the answers most 16 bits, or float, until these have so much signal to noise "
                + "(40dB) or errors of so little of them (1%).",
            valueName: "dB|%"
        )
    )
    var mixedPrecision: String?

    @Flag(help: "Scales the channels between two layers against each other.")
    var equalize = false

    @Flag(help: "Takes the mean error of each channel on the calibration rows out of its bias.")
    var biasCorrection = false

    @Option(
        help: ArgumentHelp(
            "Lets each layer learn in so many steps which weights to round up and which down (AdaRound).",
            valueName: "steps"
        )
    )
    var adaround = 0

    private static let adaroundMax = 100_000

    func validate() throws {
        if let mixedPrecision, LossBudget(mixedPrecision) == nil {
            throw ValidationError("--mixed-precision \(mixedPrecision) must be like 40dB or 1%")
        }
        guard (0...Self.adaroundMax).contains(adaround) else {
            throw ValidationError("--adaround must be 0 to \(Self.adaroundMax)")
        }
        guard !noFloat || floatLayer.isEmpty else {
            throw ValidationError("--no-float and --float-layer exclude each other")
        }
    }

    /// Adds what is asked for.
    func apply(to options: inout QuantizationOptions) {
        options.floatLayers = Set(floatLayer)
        options.allowsFloat = !noFloat
        options.lossBudget = mixedPrecision.flatMap { LossBudget($0) }
        options.equalizes = equalize
        options.correctsBias = biasCorrection
        options.roundingIterations = adaround
    }
}
