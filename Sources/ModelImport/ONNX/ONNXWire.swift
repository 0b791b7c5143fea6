/// Looks over the bytes of an ONNX file before they are decoded, so that decoding needs no more memory than a file of
/// its size should: messages are counted, and nesting is limited.
enum ONNXWire {
    /// Which fields of a message hold messages, and of which kind.
    private enum Message {
        case model, graph, node, attribute, function, valueInfo, type, typeOfElements, shape, other

        func child(_ field: Int) -> Message? {
            switch (self, field) {
            case (.model, 7): .graph
            case (.model, 25): .function
            case (.model, 8), (.model, 14), (.model, 20): .other
            case (.graph, 1): .node
            case (.graph, 11), (.graph, 12), (.graph, 13), (.function, 12): .valueInfo
            case (.graph, 5), (.graph, 14), (.graph, 15), (.graph, 16): .other
            case (.function, 7): .node
            case (.function, 11): .attribute
            case (.function, 9), (.function, 14): .other
            case (.valueInfo, 2), (.attribute, 14), (.attribute, 15): .type
            case (.type, 1), (.type, 4), (.type, 5), (.type, 8), (.type, 9): .typeOfElements
            // Of a tensor the shape, of a map the type of its values; both begin with what they hold.
            case (.typeOfElements, 1): .type
            case (.typeOfElements, 2), (.shape, 1): .shape
            case (.node, 5): .attribute
            case (.node, 9): .other
            case (.attribute, 6), (.attribute, 11): .graph
            case (.attribute, 5), (.attribute, 10), (.attribute, 22), (.attribute, 23): .other
            default: nil
            }
        }
    }

    /// Graphs within graphs deeper than this are refused.
    private static let depthMax = 16

    static func check(_ bytes: [UInt8]) throws(ImportError) {
        var left = ImportLimits.itemsMax * 8
        try check(bytes, 0..<bytes.count, .model, depth: 0, &left)
    }

    private static func check(
        _ bytes: [UInt8],
        _ range: Range<Int>,
        _ message: Message,
        depth: Int,
        _ left: inout Int
    ) throws(ImportError) {
        guard depth <= depthMax else { throw .tooLarge(what: "graphs within graphs", actual: depth, max: depthMax) }
        var place = range.lowerBound
        while place < range.upperBound {
            let key = try variable(bytes, &place, range.upperBound)
            switch key & 7 {
            case 0: _ = try variable(bytes, &place, range.upperBound)
            case 1: place += 8
            case 5: place += 4
            case 2:
                let length = try variable(bytes, &place, range.upperBound)
                guard length <= UInt64(range.upperBound - place) else { throw cut(place) }
                let end = place + Int(length)
                // Strings are counted too: a name of no bytes needs more memory than its two bytes of the file.
                left -= 1
                guard left > 0 else {
                    throw .tooLarge(
                        what: "parts of the file",
                        actual: ImportLimits.itemsMax * 8 + 1,
                        max: ImportLimits.itemsMax * 8
                    )
                }
                if let child = message.child(Int(key >> 3)) {
                    try check(bytes, place..<end, child, depth: depth + 1, &left)
                }
                place = end
            default: throw .damaged(field: "byte \(place)", reason: "no field of an ONNX file begins like this")
            }
            guard place <= range.upperBound else { throw cut(place) }
        }
    }

    private static func variable(_ bytes: [UInt8], _ place: inout Int, _ end: Int) throws(ImportError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 70, by: 7) {
            guard place < end else { throw cut(place) }
            let byte = bytes[place]
            place += 1
            if shift < 64 { value |= UInt64(byte & 0x7f) << UInt64(shift) }
            if byte & 0x80 == 0 { return value }
        }
        throw .damaged(field: "byte \(place)", reason: "a number has more than ten bytes")
    }

    private static func cut(_ place: Int) -> ImportError {
        .damaged(field: "byte \(place)", reason: "the file is cut, or no ONNX file")
    }
}
