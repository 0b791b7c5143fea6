/// Pictures in the format of JPEG, baseline: eight bits, Huffman codes, one scan or several.
enum JPEG {
    static func isJPEG(_ contents: [UInt8]) -> Bool { contents.starts(with: [0xFF, 0xD8, 0xFF]) }

    /// - Throws: ``CommandError`` without the name of the file.
    static func picture(_ contents: [UInt8]) throws(CommandError) -> Picture {
        var decoder = JPEGDecoder(contents)
        return try decoder.picture()
    }
}

private struct JPEGDecoder {
    private struct Component {
        let number: Int
        let horizontal: Int
        let vertical: Int
        let quantization: Int
        /// Blocks of a line, whole units.
        var blocks = 0
        var samples: [UInt8] = []
    }

    /// For each length the first code, and where its symbols begin.
    private struct Code {
        var counts = [Int](repeating: 0, count: 17)
        var symbols: [UInt8] = []
    }

    private let contents: [UInt8]
    private var place = 2
    private var quantizations = [[Float]?](repeating: nil, count: 4)
    private var direct = [Code?](repeating: nil, count: 4)
    private var alternating = [Code?](repeating: nil, count: 4)
    private var components: [Component] = []
    private var width = 0
    private var height = 0
    private var restartInterval = 0
    /// What Adobe's marker says of the colours: nil without one.
    private var transform: Int?
    private var scanned: Set<Int> = []
    private var bits: UInt32 = 0
    private var bitCount = 0

    init(_ contents: [UInt8]) { self.contents = contents }

    private static let zigzag = [
        0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14,
        21, 28,
        35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
        47,
        55, 62, 63,
    ]

    // MARK: Segments

    mutating func picture() throws(CommandError) -> Picture {
        while true {
            guard place + 1 < contents.count else { throw CommandError("its JPEG is cut off") }
            guard contents[place] == 0xFF else { throw CommandError("its JPEG is damaged at byte \(place)") }
            let marker = contents[place + 1]
            if marker == 0xFF {
                place += 1
                continue
            }
            place += 2
            if marker == 0xD9 { return try finished() }
            if marker == 0x01 || (0xD0...0xD7).contains(marker) { continue }
            guard place + 1 < contents.count else { throw CommandError("its JPEG is cut off") }
            let count = Int(contents[place]) << 8 | Int(contents[place + 1])
            guard count >= 2, count <= contents.count - place else { throw CommandError("its JPEG is cut off") }
            let body = Array(contents[place + 2..<place + count])
            place += count
            switch marker {
            case 0xC0, 0xC1: try readFrame(body)
            case 0xC2: throw CommandError("its JPEG is progressive; save it as baseline, or as PNG")
            case 0xC3, 0xC5...0xC7, 0xC9...0xCB, 0xCD...0xCF:
                throw CommandError("its JPEG is of a kind that is not read; save it as baseline, or as PNG")
            case 0xC4: try readCodes(body)
            case 0xDB: try readQuantizations(body)
            case 0xDD:
                guard body.count >= 2 else { throw CommandError("its JPEG is damaged: DRI") }
                restartInterval = Int(body[0]) << 8 | Int(body[1])
            case 0xEE where body.starts(with: Array("Adobe".utf8)) && body.count >= 12: transform = Int(body[11])
            case 0xDA:
                try scan(body)
                if scanned.count == components.count { return try finished() }
            default: continue
            }
        }
    }

    private mutating func readFrame(_ body: [UInt8]) throws(CommandError) {
        guard components.isEmpty, body.count >= 6, body[0] == 8, body.count == 6 + 3 * Int(body[5]) else {
            throw CommandError("its JPEG has a frame that is not read; save it with 8 bits")
        }
        height = Int(body[1]) << 8 | Int(body[2])
        width = Int(body[3]) << 8 | Int(body[4])
        try Picture.check(width, height)
        guard body[5] == 1 || body[5] == 3 else {
            throw CommandError("its JPEG has \(body[5]) channels; 1 and 3 are read")
        }
        for index in 0..<Int(body[5]) {
            let start = 6 + 3 * index
            let (horizontal, vertical) = (Int(body[start + 1] >> 4), Int(body[start + 1] & 15))
            guard (1...4).contains(horizontal), (1...4).contains(vertical), body[start + 2] < 4 else {
                throw CommandError("its JPEG is damaged: SOF")
            }
            // A single channel is stored block by block, whatever it says.
            let isSingle = body[5] == 1
            components.append(
                Component(
                    number: Int(body[start]),
                    horizontal: isSingle ? 1 : horizontal,
                    vertical: isSingle ? 1 : vertical,
                    quantization: Int(body[start + 2])
                )
            )
        }
        let units = units
        for index in components.indices {
            components[index].blocks = units.columns * components[index].horizontal
            let count = components[index].blocks * units.rows * components[index].vertical * 64
            components[index].samples = [UInt8](repeating: 0, count: count)
        }
    }

    private var largest: (horizontal: Int, vertical: Int) {
        (components.map(\.horizontal).max() ?? 1, components.map(\.vertical).max() ?? 1)
    }

    /// How many units of all channels there are.
    private var units: (columns: Int, rows: Int) {
        let (horizontal, vertical) = largest
        return ((width + 8 * horizontal - 1) / (8 * horizontal), (height + 8 * vertical - 1) / (8 * vertical))
    }

    private mutating func readQuantizations(_ body: [UInt8]) throws(CommandError) {
        var rest = body[...]
        while let first = rest.popFirst() {
            let (isWide, number) = (first >> 4 == 1, Int(first & 15))
            guard first >> 4 <= 1, number < 4, rest.count >= (isWide ? 128 : 64) else {
                throw CommandError("its JPEG is damaged: DQT")
            }
            var table = [Float](repeating: 0, count: 64)
            for index in 0..<64 {
                let high = isWide ? Int(rest.removeFirst()) << 8 : 0
                table[Self.zigzag[index]] = Float(high | Int(rest.removeFirst()))
            }
            quantizations[number] = table
        }
    }

    private mutating func readCodes(_ body: [UInt8]) throws(CommandError) {
        var rest = body[...]
        while let first = rest.popFirst() {
            let (kind, number) = (first >> 4, Int(first & 15))
            guard kind <= 1, number < 4, rest.count >= 16 else { throw CommandError("its JPEG is damaged: DHT") }
            var code = Code()
            for length in 1...16 { code.counts[length] = Int(rest.removeFirst()) }
            let count = code.counts.reduce(0, +)
            guard count <= 256, rest.count >= count else { throw CommandError("its JPEG is damaged: DHT") }
            code.symbols = Array(rest.prefix(count))
            rest = rest.dropFirst(count)
            if kind == 0 { direct[number] = code } else { alternating[number] = code }
        }
    }

    // MARK: Scans

    private mutating func scan(_ body: [UInt8]) throws(CommandError) {
        guard let count = body.first.map({ Int($0) }), body.count == 4 + 2 * count, !components.isEmpty else {
            throw CommandError("its JPEG is damaged: SOS")
        }
        var parts: [(component: Int, direct: Code, alternating: Code, table: [Float])] = []
        for index in 0..<count {
            let (number, tables) = (Int(body[1 + 2 * index]), body[2 + 2 * index])
            guard let component = components.firstIndex(where: { $0.number == number }), tables >> 4 < 4,
                tables & 15 < 4,
                let first = direct[Int(tables >> 4)], let second = alternating[Int(tables & 15)],
                let table = quantizations[components[component].quantization], scanned.insert(component).inserted
            else { throw CommandError("its JPEG is damaged: SOS") }
            parts.append((component, first, second, table))
        }
        bits = 0
        bitCount = 0
        let (horizontal, vertical) = largest
        var (columns, rows) = units
        let isSingle = parts.count == 1
        if isSingle, let part = parts.first {
            // Alone, a channel has only the blocks that its own size needs.
            let component = components[part.component]
            columns = (width * component.horizontal + 8 * horizontal - 1) / (8 * horizontal)
            rows = (height * component.vertical + 8 * vertical - 1) / (8 * vertical)
        }
        var predictions = [Int](repeating: 0, count: components.count)
        for unit in 0..<columns * rows {
            if restartInterval > 0, unit > 0, unit % restartInterval == 0 {
                try restart()
                predictions = [Int](repeating: 0, count: components.count)
            }
            for part in parts {
                let component = components[part.component]
                let (across, down) = isSingle ? (1, 1) : (component.horizontal, component.vertical)
                for block in 0..<across * down {
                    var coefficients = [Float](repeating: 0, count: 64)
                    try read(part.direct, part.alternating, part.table, &predictions[part.component], &coefficients)
                    let column = unit % columns * across + block % across
                    let row = unit / columns * down + block / across
                    store(Self.inverse(coefficients), component: part.component, column: column, row: row)
                }
            }
        }
        bitCount = 0
    }

    private mutating func restart() throws(CommandError) {
        bits = 0
        bitCount = 0
        guard place + 1 < contents.count, contents[place] == 0xFF, (0xD0...0xD7).contains(contents[place + 1]) else {
            throw CommandError("its JPEG is damaged at byte \(place)")
        }
        place += 2
    }

    private mutating func bit() throws(CommandError) -> Int {
        if bitCount == 0 {
            guard place < contents.count else { throw CommandError("its JPEG is cut off") }
            let byte = contents[place]
            if byte == 0xFF {
                guard place + 1 < contents.count, contents[place + 1] == 0 else {
                    throw CommandError("its JPEG is damaged at byte \(place)")
                }
                place += 1
            }
            place += 1
            bits = UInt32(byte)
            bitCount = 8
        }
        bitCount -= 1
        return Int(bits >> UInt32(bitCount) & 1)
    }

    private mutating func symbol(_ code: Code) throws(CommandError) -> Int {
        var (word, first, index) = (0, 0, 0)
        for length in 1...16 {
            word |= try bit()
            let count = code.counts[length]
            if word - first < count {
                guard index + word - first >= 0 else { break }
                return Int(code.symbols[index + word - first])
            }
            index += count
            first = (first + count) << 1
            word <<= 1
        }
        throw CommandError("its JPEG is damaged at byte \(place)")
    }

    /// A number of so many bits, whose first says its sign.
    private mutating func number(_ count: Int) throws(CommandError) -> Int {
        guard count > 0 else { return 0 }
        var value = 0
        for _ in 0..<count { value = value << 1 | (try bit()) }
        return value < 1 << (count - 1) ? value - (1 << count) + 1 : value
    }

    private mutating func read(
        _ direct: Code,
        _ alternating: Code,
        _ table: [Float],
        _ prediction: inout Int,
        _ coefficients: inout [Float]
    ) throws(CommandError) {
        let size = try symbol(direct)
        guard size <= 11 else { throw CommandError("its JPEG is damaged at byte \(place)") }
        prediction += try number(size)
        coefficients[0] = Float(prediction) * table[0]
        var index = 1
        while index < 64 {
            let both = try symbol(alternating)
            let (zeros, size) = (both >> 4, both & 15)
            if size == 0 {
                guard zeros == 15 else { return }
                index += 16
                continue
            }
            index += zeros
            guard index < 64 else { throw CommandError("its JPEG is damaged at byte \(place)") }
            coefficients[Self.zigzag[index]] = Float(try number(size)) * table[Self.zigzag[index]]
            index += 1
        }
    }

    // MARK: Samples

    /// `cosines[x * 8 + u]`: half the cosine of the frequency `u` at `x`, as the inverse transform has it.
    private static let cosines: [Float] = [
        0.35355339, 0.49039264, 0.46193977, 0.41573481, 0.35355339, 0.27778512, 0.19134172, 0.09754516,
        0.35355339, 0.41573481, 0.19134172, -0.09754516, -0.35355339, -0.49039264, -0.46193977, -0.27778512,
        0.35355339, 0.27778512, -0.19134172, -0.49039264, -0.35355339, 0.09754516, 0.46193977, 0.41573481,
        0.35355339, 0.09754516, -0.46193977, -0.27778512, 0.35355339, 0.41573481, -0.19134172, -0.49039264,
        0.35355339, -0.09754516, -0.46193977, 0.27778512, 0.35355339, -0.41573481, -0.19134172, 0.49039264,
        0.35355339, -0.27778512, -0.19134172, 0.49039264, -0.35355339, -0.09754516, 0.46193977, -0.41573481,
        0.35355339, -0.41573481, 0.19134172, 0.09754516, -0.35355339, 0.49039264, -0.46193977, 0.27778512,
        0.35355339, -0.49039264, 0.46193977, -0.41573481, 0.35355339, -0.27778512, 0.19134172, -0.09754516,
    ]

    private static func inverse(_ coefficients: [Float]) -> [UInt8] {
        var lines = [Float](repeating: 0, count: 64)
        for v in 0..<8 {
            for x in 0..<8 {
                var sum: Float = 0
                for u in 0..<8 { sum += cosines[x * 8 + u] * coefficients[v * 8 + u] }
                lines[v * 8 + x] = sum
            }
        }
        var samples = [UInt8](repeating: 0, count: 64)
        for y in 0..<8 {
            for x in 0..<8 {
                var sum: Float = 128
                for v in 0..<8 { sum += cosines[y * 8 + v] * lines[v * 8 + x] }
                samples[y * 8 + x] = UInt8(min(max(sum.rounded(), 0), 255))
            }
        }
        return samples
    }

    private mutating func store(_ block: [UInt8], component: Int, column: Int, row: Int) {
        let line = components[component].blocks * 8
        for y in 0..<8 {
            let start = (row * 8 + y) * line + column * 8
            for x in 0..<8 { components[component].samples[start + x] = block[y * 8 + x] }
        }
    }

    private func finished() throws(CommandError) -> Picture {
        guard !components.isEmpty, scanned.count == components.count else { throw CommandError("its JPEG is cut off") }
        let (horizontal, vertical) = largest
        var bytes: [UInt8] = []
        bytes.reserveCapacity(width * height * components.count)
        // Without Adobe's word, three channels are luminance and two differences of colour.
        let isColour = components.count == 3 && transform != 0
        for y in 0..<height {
            for x in 0..<width {
                let values = components.map { component in
                    let column = x * component.horizontal / horizontal
                    let row = y * component.vertical / vertical
                    return Float(component.samples[row * component.blocks * 8 + column])
                }
                guard isColour else {
                    bytes += values.map { UInt8($0) }
                    continue
                }
                let (blue, red) = (values[1] - 128, values[2] - 128)
                for value in [
                    values[0] + 1.402 * red, values[0] - 0.344136 * blue - 0.714136 * red, values[0] + 1.772 * blue,
                ] {
                    bytes.append(UInt8(min(max(value.rounded(), 0), 255)))
                }
            }
        }
        return Picture(width: width, height: height, channels: components.count, bytes: bytes)
    }
}
