/// Unpacks what zlib packed (RFC 1950 and 1951).
struct Inflate {
    private let input: [UInt8]
    private let limit: Int
    private var place: Int
    private var bits: UInt32 = 0
    private var bitCount = 0
    private var output: [UInt8] = []

    /// - Parameter limit: The most bytes that may come out.
    /// - Throws: ``CommandError`` when the data is cut, damaged or unpacks to more.
    static func unpack(zlib input: [UInt8], limit: Int) throws(CommandError) -> [UInt8] {
        guard input.count >= 6, input[0] & 15 == 8, (Int(input[0]) << 8 | Int(input[1])) % 31 == 0, input[1] & 32 == 0
        else { throw CommandError("its packed data has no header of zlib") }
        var inflate = Inflate(input, limit: limit, place: 2)
        try inflate.run()
        var (a, b) = (1, 0)
        for byte in inflate.output {
            a = (a + Int(byte)) % 65521
            b = (b + a) % 65521
        }
        inflate.bits = 0
        inflate.bitCount = 0
        var sum = 0
        for _ in 0..<4 { sum = sum << 8 | Int(try inflate.byte()) }
        guard sum == b << 16 | a else { throw CommandError("its packed data is damaged: the checksum differs") }
        return inflate.output
    }

    private init(_ input: [UInt8], limit: Int, place: Int) {
        self.input = input
        self.limit = limit
        self.place = place
    }

    private mutating func byte() throws(CommandError) -> UInt8 {
        guard place < input.count else { throw CommandError("its packed data is cut off") }
        defer { place += 1 }
        return input[place]
    }

    private mutating func take(_ count: Int) throws(CommandError) -> Int {
        while bitCount < count {
            bits |= UInt32(try byte()) << UInt32(bitCount)
            bitCount += 8
        }
        let value = bits & (1 << UInt32(count) - 1)
        bits >>= UInt32(count)
        bitCount -= count
        return Int(value)
    }

    private mutating func run() throws(CommandError) {
        var isLast = false
        while !isLast {
            isLast = try take(1) == 1
            switch try take(2) {
            case 0: try copy()
            case 1:
                let lengths = [8, 9, 7, 8].enumerated().flatMap { [Int](repeating: $1, count: [144, 112, 24, 8][$0]) }
                try block(Huffman(lengths), Huffman([Int](repeating: 5, count: 30)))
            case 2:
                let (literals, distances) = try tables()
                try block(literals, distances)
            default: throw CommandError("its packed data is damaged: an unknown kind of block")
            }
        }
    }

    private mutating func copy() throws(CommandError) {
        bits = 0
        bitCount = 0
        var header: [Int] = []
        for _ in 0..<4 { header.append(Int(try byte())) }
        let count = header[0] | header[1] << 8
        guard count ^ 0xFFFF == header[2] | header[3] << 8, input.count - place >= count,
            output.count + count <= limit
        else { throw CommandError("its packed data is damaged: a block of \(count) bytes") }
        output += input[place..<place + count]
        place += count
    }

    private mutating func tables() throws(CommandError) -> (Huffman, Huffman) {
        let (literals, distances, codes) = (try take(5) + 257, try take(5) + 1, try take(4) + 4)
        let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
        var lengths = [Int](repeating: 0, count: 19)
        for index in 0..<codes { lengths[order[index]] = try take(3) }
        let code = try Huffman(lengths)
        var all: [Int] = []
        while all.count < literals + distances {
            let symbol = try decode(code)
            switch symbol {
            case 0...15: all.append(symbol)
            case 16:
                guard let last = all.last else { throw CommandError("its packed data is damaged: no length to repeat") }
                all += [Int](repeating: last, count: 3 + (try take(2)))
            case 17: all += [Int](repeating: 0, count: 3 + (try take(3)))
            default: all += [Int](repeating: 0, count: 11 + (try take(7)))
            }
        }
        guard all.count == literals + distances else {
            throw CommandError("its packed data is damaged: too many lengths")
        }
        return (try Huffman(Array(all[..<literals])), try Huffman(Array(all[literals...])))
    }

    private mutating func decode(_ code: Huffman) throws(CommandError) -> Int {
        var (word, first, index) = (0, 0, 0)
        for length in 1...15 {
            word |= try take(1)
            let count = code.counts[length]
            if word - first < count { return code.symbols[index + word - first] }
            index += count
            first = (first + count) << 1
            word <<= 1
        }
        throw CommandError("its packed data is damaged: an unknown code")
    }

    private static let lengthBases = [
        3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227,
        258,
    ]
    private static let lengthBits = [
        0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
    ]
    private static let distanceBases = [
        1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
        6145,
        8193, 12289, 16385, 24577,
    ]

    private mutating func block(_ literals: Huffman, _ distances: Huffman) throws(CommandError) {
        while true {
            let symbol = try decode(literals)
            if symbol == 256 { return }
            if symbol < 256 {
                guard output.count < limit else { throw CommandError("its packed data unpacks to more than it says") }
                output.append(UInt8(symbol))
                continue
            }
            guard symbol - 257 < Inflate.lengthBases.count else {
                throw CommandError("its packed data is damaged: an unknown length")
            }
            let length = Inflate.lengthBases[symbol - 257] + (try take(Inflate.lengthBits[symbol - 257]))
            let place = try decode(distances)
            guard place < Inflate.distanceBases.count else {
                throw CommandError("its packed data is damaged: an unknown distance")
            }
            let distance = Inflate.distanceBases[place] + (try take(max(0, place / 2 - 1)))
            guard distance <= output.count, output.count + length <= limit else {
                throw CommandError("its packed data is damaged: it refers to what is not there")
            }
            let start = output.count - distance
            for index in 0..<length { output.append(output[start + index]) }
        }
    }
}

/// A code of words whose lengths alone say which they are.
private struct Huffman {
    /// How many words have each length, 0...15.
    let counts: [Int]
    /// In the order of their words.
    let symbols: [Int]

    init(_ lengths: [Int]) throws(CommandError) {
        var counts = [Int](repeating: 0, count: 16)
        for length in lengths { counts[length] += 1 }
        counts[0] = 0
        var left = 1
        for length in 1...15 {
            left = left * 2 - counts[length]
            guard left >= 0 else { throw CommandError("its packed data is damaged: an impossible code") }
        }
        self.counts = counts
        symbols = (1...15).flatMap { length in lengths.indices.filter { lengths[$0] == length } }
    }
}
