/// A picture: bytes of its channels, row by row.
struct Picture: Equatable {
    let width: Int
    let height: Int
    /// 1 for grey, 3 for red, green and blue.
    let channels: Int
    /// `[height, width, channels]` row-major.
    let bytes: [UInt8]

    /// For the help of commands.
    static let formats = "PNG, JPEG, BMP, PPM and PGM"

    /// More pixels than this are refused.
    static let pixelsMax = 1 << 26

    /// - Precondition: There are `width * height * channels` bytes.
    init(width: Int, height: Int, channels: Int, bytes: [UInt8]) {
        precondition(bytes.count == width * height * channels, "the bytes are not those of so many pixels")
        self.width = width
        self.height = height
        self.channels = channels
        self.bytes = bytes
    }

    /// Whether a file is a picture, by its first bytes.
    static func isPicture(_ contents: [UInt8]) -> Bool {
        PNG.isPNG(contents) || JPEG.isJPEG(contents) || contents.starts(with: Array("BM".utf8))
            || contents.starts(with: Array("P5".utf8)) || contents.starts(with: Array("P6".utf8))
    }

    /// Reads a file.
    ///
    /// - Throws: ``CommandError`` without the name of the file.
    init(_ contents: [UInt8]) throws(CommandError) {
        if PNG.isPNG(contents) {
            self = try PNG.picture(contents)
        } else if JPEG.isJPEG(contents) {
            self = try JPEG.picture(contents)
        } else if contents.starts(with: Array("BM".utf8)) {
            self = try Picture(bmp: contents)
        } else {
            self = try Picture(pnm: contents)
        }
    }

    /// Checks dimensions from a file.
    static func check(_ width: Int, _ height: Int) throws(CommandError) {
        guard width > 0, height > 0, width <= pixelsMax, height <= pixelsMax / width else {
            throw CommandError("a picture of \(width)x\(height) pixels is empty or too large")
        }
    }

    /// The same with so many channels: grey is repeated, colours become their luminance as BT.601 has it.
    func converted(to channels: Int) -> Picture {
        guard channels != self.channels else { return self }
        if channels == 3 {
            return Picture(width: width, height: height, channels: 3, bytes: bytes.flatMap { [$0, $0, $0] })
        }
        let grey = stride(from: 0, to: bytes.count, by: 3).map { place in
            let (red, green, blue) = (Int(bytes[place]), Int(bytes[place + 1]), Int(bytes[place + 2]))
            return UInt8((299 * red + 587 * green + 114 * blue + 500) / 1000)
        }
        return Picture(width: width, height: height, channels: 1, bytes: grey)
    }

    /// A part of it.
    ///
    /// - Precondition: The part lies inside.
    func part(x: Int, y: Int, width: Int, height: Int) -> Picture {
        precondition(x >= 0 && y >= 0 && x + width <= self.width && y + height <= self.height, "outside the picture")
        var part: [UInt8] = []
        part.reserveCapacity(width * height * channels)
        for row in y..<y + height {
            let start = (row * self.width + x) * channels
            part += bytes[start..<start + width * channels]
        }
        return Picture(width: width, height: height, channels: channels, bytes: part)
    }

    /// The same in another size: each pixel is the mean of those around it, the near ones counting more.
    func resized(width newWidth: Int, height newHeight: Int) -> Picture {
        guard newWidth != width || newHeight != height else { return self }
        let columns = Picture.taps(width, newWidth)
        let rows = Picture.taps(height, newHeight)
        var wide = [Float](repeating: 0, count: newWidth * height * channels)
        for y in 0..<height {
            for x in 0..<newWidth {
                for channel in 0..<channels {
                    var sum: Float = 0
                    for (index, weight) in columns[x].weights.enumerated() {
                        sum += weight * Float(bytes[(y * width + columns[x].first + index) * channels + channel])
                    }
                    wide[(y * newWidth + x) * channels + channel] = sum
                }
            }
        }
        var result = [UInt8](repeating: 0, count: newWidth * newHeight * channels)
        let line = newWidth * channels
        for y in 0..<newHeight {
            for place in 0..<line {
                var sum: Float = 0
                for (index, weight) in rows[y].weights.enumerated() {
                    sum += weight * wide[(rows[y].first + index) * line + place]
                }
                result[y * line + place] = UInt8(min(max(sum.rounded(), 0), 255))
            }
        }
        return Picture(width: newWidth, height: newHeight, channels: channels, bytes: result)
    }

    /// For each new pixel the old ones under a triangle around it, as wide as it takes to pass over none.
    private static func taps(_ old: Int, _ new: Int) -> [(first: Int, weights: [Float])] {
        let scale = Double(old) / Double(new)
        let reach = max(scale, 1)
        return (0..<new).map { index in
            let center = (Double(index) + 0.5) * scale
            let first = max(0, Int((center - reach + 0.5).rounded(.down)))
            let last = min(old, max(first + 1, Int((center + reach + 0.5).rounded(.down))))
            var weights = (first..<last).map { max(0, 1 - (Double($0) + 0.5 - center).magnitude / reach) }
            let sum = weights.reduce(0, +)
            if sum > 0 { weights = weights.map { $0 / sum } } else { weights[0] = 1 }
            return (first, weights.map { Float($0) })
        }
    }
}

extension Picture {
    /// Reads a binary PGM or PPM file with bytes.
    init(pnm contents: [UInt8]) throws(CommandError) {
        let channels = contents[1] == UInt8(ascii: "6") ? 3 : 1
        var place = 2
        var numbers: [Int] = []
        while numbers.count < 3 {
            guard place < contents.count else { throw CommandError("its PNM header is cut off") }
            switch contents[place] {
            case UInt8(ascii: "#"):
                while place < contents.count, contents[place] != 10 { place += 1 }
            case 9, 10, 13, 32: place += 1
            case 48...57:
                var number = 0
                while place < contents.count, (48...57).contains(contents[place]), number < 1 << 30 {
                    number = number * 10 + Int(contents[place] - 48)
                    place += 1
                }
                numbers.append(number)
            default: throw CommandError("its PNM header is malformed")
            }
        }
        // One blank ends the header.
        place += 1
        guard numbers[2] == 255 else {
            throw CommandError("its greatest value is \(numbers[2]); 255 is read")
        }
        try Picture.check(numbers[0], numbers[1])
        let count = numbers[0] * numbers[1] * channels
        guard place <= contents.count, contents.count - place >= count else {
            throw CommandError("it is cut off: \(max(0, contents.count - place)) bytes of \(count)")
        }
        self.init(
            width: numbers[0],
            height: numbers[1],
            channels: channels,
            bytes: Array(contents[place..<place + count])
        )
    }

    /// Reads a BMP file with 24 or 32 bits a pixel, or 8 with a palette, without compression.
    init(bmp contents: [UInt8]) throws(CommandError) {
        func number(_ place: Int, _ count: Int) -> Int {
            contents[place..<place + count].reversed().reduce(0) { $0 << 8 | Int($1) }
        }
        guard contents.count >= 54 else { throw CommandError("its BMP header is cut off") }
        let (pixels, header) = (number(10, 4), number(14, 4))
        let width = number(18, 4)
        let signed = Int(Int32(truncatingIfNeeded: number(22, 4)))
        let (bits, compression) = (number(28, 2), number(30, 4))
        // 3 says where the colours are in 32 bits; the usual order is taken.
        guard header >= 40, [0, 3].contains(compression), [8, 24, 32].contains(bits) else {
            throw CommandError("a BMP of \(bits) bits and compression \(compression); 8, 24 and 32 without are read")
        }
        let height = Int(signed.magnitude)
        try Picture.check(width, height)
        let line = (width * bits / 8 + 3) / 4 * 4
        guard pixels <= contents.count, contents.count - pixels >= line * height else {
            throw CommandError("it is cut off: \(max(0, contents.count - pixels)) bytes of \(line * height)")
        }
        let palette = 14 + header
        if bits == 8 {
            guard palette + 1024 <= pixels else { throw CommandError("its palette has fewer than 256 colours") }
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(width * height * 3)
        for row in 0..<height {
            // From the bottom up, unless the height is negative.
            let start = pixels + (signed < 0 ? row : height - 1 - row) * line
            for column in 0..<width {
                let blue =
                    bits == 8 ? palette + 4 * Int(contents[start + column]) : start + column * bits / 8
                bytes += [contents[blue + 2], contents[blue + 1], contents[blue]]
            }
        }
        self.init(width: width, height: height, channels: 3, bytes: bytes)
    }
}
