import HVX

/// The 32-bit sums of a convolution, 32 output channels to a register.
///
/// Each word belongs to one output channel and takes four bytes of the reduction at a time: four bytes for `vrmpy`, two
/// halfwords for `vmpy`. Where all channels of a register see the same input, its words are repeated (`vsplat`); in a
/// depthwise convolution each sees its own, and the taps are brought together channel by channel (`vshuff`).
struct ReferenceSums {
    private let input: FeatureMap
    private let output: FeatureMap
    private let window: Window
    private let groups: Int
    private let elementBytes: Int
    /// What a byte of the padding holds.
    private let padding: UInt8
    /// The registers of output channels, those of a group together.
    let tiles: [ChannelTile]

    private var groupChannels: Int { input.channels / groups }
    private var isDepthwise: Bool { groups > 1 && groupChannels == 1 }

    /// - Parameters:
    ///   - elementBytes: 1 or 2.
    ///   - makeTile: Packs the weights of up to 32 output channels.
    init(
        input: FeatureMap,
        output: FeatureMap,
        window: Window,
        groups: Int,
        elementBytes: Int,
        padding: UInt8,
        makeTile: (_ channels: [Int], _ firstInput: Int) -> ChannelTile
    ) {
        self.input = input
        self.output = output
        self.window = window
        self.groups = groups
        self.elementBytes = elementBytes
        self.padding = padding
        let groupOutputs = output.channels / groups
        var tiles: [ChannelTile] = []
        if groups > 1, groups == input.channels {
            // Outputs n, n + m, n + 2m, ... of a multiplier m see input channels that follow one another.
            for first in stride(from: 0, to: input.channels, by: 32) {
                let seen = first..<min(first + 32, input.channels)
                for output in 0..<groupOutputs {
                    tiles.append(makeTile(seen.map { $0 * groupOutputs + output }, first))
                }
            }
        } else {
            for group in 0..<groups {
                let outputs = group * groupOutputs..<(group + 1) * groupOutputs
                for first in stride(from: outputs.lowerBound, to: outputs.upperBound, by: 32) {
                    let channels = Array(first..<min(first + 32, outputs.upperBound))
                    tiles.append(makeTile(channels, group * (input.channels / groups)))
                }
            }
        }
        self.tiles = tiles
    }

    /// Computes the sums of one row.
    ///
    /// - Parameter body: Takes the output position, the index of the tile and the sums of its channels.
    func forEach(_ memory: [UInt8], row: Int, _ body: (_ position: Int, _ tile: Int, _ sums: Vector) -> Void) {
        let start = row * input.count * elementBytes
        for y in 0..<output.height {
            for x in 0..<output.width {
                let taps = window.positions(y, x, of: input).map { position in
                    position.map { start + $0 * input.channels * elementBytes }
                }
                var repeated: (firstInput: Int, words: [Vector])?
                for (index, tile) in tiles.enumerated() {
                    let activations: [Vector]
                    if isDepthwise {
                        activations = interleavedTaps(memory, taps, tile)
                    } else if let repeated, repeated.firstInput == tile.firstInput {
                        activations = repeated.words
                    } else {
                        activations = repeatedWords(memory, taps, firstInput: tile.firstInput)
                        repeated = (tile.firstInput, activations)
                    }
                    body(y * output.width + x, index, tile.sums(activations))
                }
            }
        }
    }

    /// The input of a group under the window, four bytes in all words of each register; behind the last zeros.
    private func repeatedWords(_ memory: [UInt8], _ taps: [Int?], firstInput: Int) -> [Vector] {
        let count = groupChannels * elementBytes
        var bytes: [UInt8] = []
        for tap in taps {
            if let tap {
                let first = tap + firstInput * elementBytes
                bytes += memory[first..<first + count]
            } else {
                bytes += repeatElement(padding, count: count)
            }
        }
        return stride(from: 0, to: bytes.count, by: 4).map { first in
            let word = bytes[first..<min(first + 4, bytes.count)].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            return Q6.V_vsplat_R(Int32(bitPattern: word))
        }
    }

    /// The taps of each channel of a tile, four bytes of them in its word of each register; behind the last zeros.
    private func interleavedTaps(_ memory: [UInt8], _ taps: [Int?], _ tile: ChannelTile) -> [Vector] {
        let count = tile.channels.count * elementBytes
        let loaded = taps.map { tap in
            tap.map { Vector(memory, at: $0 + tile.firstInput * elementBytes, count: count) }
                ?? Q6.Vb_vsplat_R(Int32(padding))
        }
        let perWord = 4 / elementBytes
        return stride(from: 0, to: taps.count, by: perWord).map { first in
            let some = (first..<first + perWord).map { $0 < loaded.count ? loaded[$0] : Q6.V_vzero() }
            return elementBytes == 1 ? Q6.interleavedBytes(some) : Q6.interleavedHalves(some)
        }
    }
}

/// Up to 32 output channels: their weights in the order in which the instructions take them.
struct ChannelTile {
    /// The output channels of words 0, 1, ...
    let channels: [Int]
    /// The first input channel that they see.
    let firstInput: Int
    private let start: Vector
    private let products: Products

    /// What is multiplied how. Each register holds four bytes of the reduction for each word.
    private enum Products {
        case signedBytes([Vector])
        case unsignedBytes([Vector], zeroPoint: UInt8, allInputs: Int32)
        case halfwords([Vector])
    }

    /// Weights for u8 input with a zero point.
    ///
    /// The sum of `(x - a) * (y - w)` is `Σ x·y - a·Σ y + w·(K·a - Σ x)`, of which all but `x` is known here.
    init(
        channels: [Int],
        firstInput: Int,
        weights: WeightMatrix,
        biases: [Int32],
        reduction: Int,
        inputZeroPoint: UInt8
    ) {
        self.channels = channels
        self.firstInput = firstInput
        let ones = Q6.Vb_vsplat_R(1)
        let weightSums: Vector
        switch weights {
        case .int8(let weights):
            let vectors = ChannelTile.bytes(channels, reduction) { UInt8(bitPattern: weights[$0]) }
            weightSums = vectors.reduce(Q6.V_vzero()) { Q6.Vw_vrmpyacc_VwVubVb($0, ones, $1) }
            products = .signedBytes(vectors)
        case .uint8(let weights, let zeroPoint):
            let vectors = ChannelTile.bytes(channels, reduction) { weights[$0] }
            weightSums = vectors.reduce(Q6.V_vzero()) { Q6.Vuw_vrmpyacc_VuwVubVub($0, ones, $1) }
            let allInputs = Int32(truncatingIfNeeded: reduction) &* Int32(inputZeroPoint)
            products = .unsignedBytes(vectors, zeroPoint: zeroPoint, allInputs: allInputs)
        }
        let weighted = Q6.Vw_vmpyie_VwVuh(weightSums, Q6.V_vsplat_R(Int32(inputZeroPoint)))
        start = Q6.Vw_vsub_VwVw(ChannelTile.words(channels, biases), weighted)
    }

    /// Weights for s16 input: each is widened to a halfword.
    init(channels: [Int], firstInput: Int, weights: [Int8], biases: [Int32], reduction: Int) {
        self.channels = channels
        self.firstInput = firstInput
        start = ChannelTile.words(channels, biases)
        products = .halfwords(
            stride(from: 0, to: reduction, by: 2).map { first in
                Vector(Int16.self) { lane in
                    let (word, k) = (lane / 2, first + lane % 2)
                    return word < channels.count && k < reduction ? Int16(weights[channels[word] * reduction + k]) : 0
                }
            }
        )
    }

    /// Byte 4n+j is weight k+j of channel n, for k = 0, 4, ...; padded with zeros.
    private static func bytes(_ channels: [Int], _ reduction: Int, _ weight: (Int) -> UInt8) -> [Vector] {
        stride(from: 0, to: reduction, by: 4).map { first in
            Vector(UInt8.self) { lane in
                let (word, k) = (lane / 4, first + lane % 4)
                return word < channels.count && k < reduction ? weight(channels[word] * reduction + k) : 0
            }
        }
    }

    private static func words(_ channels: [Int], _ values: [Int32]) -> Vector {
        Vector(Int32.self) { $0 < channels.count ? values[channels[$0]] : 0 }
    }

    /// The sums of the channels, wrapping at 32 bits.
    ///
    /// - Parameter activations: One register for each register of weights.
    func sums(_ activations: [Vector]) -> Vector {
        switch products {
        case .signedBytes(let weights):
            return zip(activations, weights).reduce(start) { Q6.Vw_vrmpyacc_VwVubVb($0, $1.0, $1.1) }
        case .unsignedBytes(let weights, let zeroPoint, let allInputs):
            let ones = Q6.Vb_vsplat_R(1)
            var (sums, inputs) = (start, Q6.V_vzero())
            for (activation, weight) in zip(activations, weights) {
                sums = Q6.Vuw_vrmpyacc_VuwVubVub(sums, activation, weight)
                inputs = Q6.Vuw_vrmpyacc_VuwVubVub(inputs, activation, ones)
            }
            let missing = Q6.Vw_vsub_VwVw(Q6.V_vsplat_R(allInputs), inputs)
            return Q6.Vw_vadd_VwVw(sums, Q6.Vw_vmpyie_VwVuh(missing, Q6.V_vsplat_R(Int32(zeroPoint))))
        case .halfwords(let weights):
            // `vdmpy` of halfwords would do both products at once, but saturates. Even and odd ones apart wrap.
            let sums = zip(activations, weights).reduce(Q6.W_vcombine_VV(Q6.V_vzero(), start)) {
                Q6.Ww_vmpyacc_WwVhVh($0, $1.0, $1.1)
            }
            return Q6.Vw_vadd_VwVw(Q6.V_lo_W(sums), Q6.V_hi_W(sums))
        }
    }

    /// Writes word, halfword or byte i of a register as the element of channel i.
    ///
    /// Channels that follow one another are one store; those of a depthwise multiplier are not.
    func store(_ lanes: Vector, elementBytes: Int, _ memory: inout [UInt8], at address: Int) {
        guard let first = channels.first, let last = channels.last else { return }
        if last - first == channels.count - 1 {
            lanes.store(&memory, at: address + first * elementBytes, count: channels.count * elementBytes)
        } else {
            for (lane, channel) in channels.enumerated() {
                for byte in 0..<elementBytes {
                    memory[address + channel * elementBytes + byte] = lanes[ub: lane * elementBytes + byte]
                }
            }
        }
    }
}
