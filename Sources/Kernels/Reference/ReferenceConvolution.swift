import HVX

extension Convolution {
    /// The definition: `vrmpy` of unsigned by signed bytes, or of unsigned bytes, and the requantization.
    func reference(_ memory: [UInt8], rows: Int) throws(KernelError) -> [UInt8] {
        let output = try shape()
        let sums = ReferenceSums(
            input: input,
            output: output,
            window: window,
            groups: groups,
            elementBytes: 1,
            padding: inputZeroPoint
        ) { channels, firstInput in
            ChannelTile(
                channels: channels,
                firstInput: firstInput,
                weights: weights,
                biases: biases,
                reduction: reduction,
                inputZeroPoint: inputZeroPoint
            )
        }
        switch result {
        case .sums:
            return sums.collect(memory, rows: rows, output: output, elementBytes: 4) { _, words in words }
        case .bytes(let stage):
            let registers = sums.tiles.map { stage.registers($0.channels) }
            return sums.collect(memory, rows: rows, output: output, elementBytes: 1) { tile, words in
                stage.narrowed(registers[tile].scale(words))
            }
        }
    }
}

extension ReferenceSums {
    /// The elements of all rows in memory.
    ///
    /// - Parameter element: Makes elements of the sums of a tile; lane i belongs to its channel i.
    func collect(
        _ memory: [UInt8],
        rows: Int,
        output: FeatureMap,
        elementBytes: Int,
        _ element: (_ tile: Int, _ sums: Vector) -> Vector
    ) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: rows * output.count * elementBytes)
        for row in 0..<rows {
            forEach(memory, row: row) { position, tile, sums in
                let address = (row * output.positions + position) * output.channels * elementBytes
                tiles[tile].store(element(tile, sums), elementBytes: elementBytes, &bytes, at: address)
            }
        }
        return bytes
    }
}
