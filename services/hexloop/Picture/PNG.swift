/// Pictures in the format of PNG, of any kind but those with 16 bits interlaced.
enum PNG {
    private static let magic: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    static func isPNG(_ contents: [UInt8]) -> Bool { contents.starts(with: magic) }

    /// Transparency is passed over, and 16 bits are cut to 8.
    ///
    /// - Throws: ``CommandError`` without the name of the file.
    static func picture(_ contents: [UInt8]) throws(CommandError) -> Picture {
        var place = magic.count
        var header: Header?
        var palette: [UInt8] = []
        var packed: [UInt8] = []
        func number(_ place: Int) -> Int { contents[place..<place + 4].reduce(0) { $0 << 8 | Int($1) } }
        while true {
            guard contents.count - place >= 12 else { throw CommandError("its PNG is cut off") }
            let count = number(place)
            guard count <= contents.count - place - 12 else { throw CommandError("its PNG is cut off") }
            let kind = String(decoding: contents[place + 4..<place + 8], as: UTF8.self)
            let body = contents[place + 8..<place + 8 + count]
            place += 12 + count
            switch kind {
            case "IHDR": header = try Header(Array(body))
            case "PLTE": palette = Array(body)
            case "IDAT": packed += body
            case "IEND":
                guard let header else { throw CommandError("its PNG has no header") }
                return try header.picture(packed, palette)
            default: continue
            }
        }
    }

    private struct Header {
        let width: Int
        let height: Int
        let bits: Int
        let colour: Int

        init(_ body: [UInt8]) throws(CommandError) {
            guard body.count == 13 else { throw CommandError("its PNG header is malformed") }
            width = body[0..<4].reduce(0) { $0 << 8 | Int($1) }
            height = body[4..<8].reduce(0) { $0 << 8 | Int($1) }
            (bits, colour) = (Int(body[8]), Int(body[9]))
            try Picture.check(width, height)
            let depths = [0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16]]
            guard depths[colour]?.contains(bits) ?? false, body[10] == 0, body[11] == 0 else {
                throw CommandError("its PNG has colours of kind \(colour) in \(bits) bits, which is not known")
            }
            guard body[12] == 0 else { throw CommandError("its PNG is interlaced; save it without") }
        }

        /// Of a pixel.
        private var samples: Int { [0: 1, 2: 3, 3: 1, 4: 2, 6: 4][colour] ?? 1 }

        func picture(_ packed: [UInt8], _ palette: [UInt8]) throws(CommandError) -> Picture {
            let line = (width * samples * bits + 7) / 8
            let step = max(1, samples * bits / 8)
            let expected = (line + 1) * height
            let rows = try Inflate.unpack(zlib: packed, limit: expected)
            guard rows.count == expected else {
                throw CommandError("its PNG has \(rows.count) bytes of pixels and \(expected) are needed")
            }
            var before = [UInt8](repeating: 0, count: line)
            let channels = colour == 0 || colour == 4 ? 1 : 3
            var bytes: [UInt8] = []
            bytes.reserveCapacity(width * height * channels)
            for row in 0..<height {
                let start = row * (line + 1)
                var current = Array(rows[start + 1..<start + 1 + line])
                try PNG.unfilter(&current, rows[start], before, step: step)
                for column in 0..<width {
                    if colour == 3 {
                        let entry = sample(current, column) * 3
                        guard entry + 2 < palette.count else {
                            throw CommandError("its PNG names a colour that is not there")
                        }
                        bytes += palette[entry..<entry + 3]
                    } else if bits < 8 {
                        bytes.append(UInt8(sample(current, column) * 255 / (1 << bits - 1)))
                    } else {
                        for channel in 0..<channels { bytes.append(current[column * step + channel * bits / 8]) }
                    }
                }
                before = current
            }
            return Picture(width: width, height: height, channels: channels, bytes: bytes)
        }

        /// A sample of at most eight bits in a row with one sample for each pixel.
        private func sample(_ row: [UInt8], _ column: Int) -> Int {
            let bit = column * bits
            return Int(row[bit / 8]) >> (8 - bits - bit % 8) & (1 << bits - 1)
        }
    }

    /// Adds to each byte what was foretold of it.
    private static func unfilter(
        _ row: inout [UInt8],
        _ filter: UInt8,
        _ above: [UInt8],
        step: Int
    ) throws(CommandError) {
        guard filter <= 4 else { throw CommandError("its PNG has a row of kind \(filter), which is not known") }
        guard filter > 0 else { return }
        for index in row.indices {
            let left = index < step ? 0 : Int(row[index - step])
            let up = Int(above[index])
            let corner = index < step ? 0 : Int(above[index - step])
            let guess: Int
            switch filter {
            case 1: guess = left
            case 2: guess = up
            case 3: guess = (left + up) / 2
            default:
                let (a, b, c) = (abs(up - corner), abs(left - corner), abs(left + up - 2 * corner))
                guess = a <= b && a <= c ? left : b <= c ? up : corner
            }
            row[index] &+= UInt8(guess)
        }
    }
}
