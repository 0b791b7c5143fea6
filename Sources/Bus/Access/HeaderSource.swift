import Events

/// Finds `source` in an event's header without reading all of it: every event of a program with a key is asked.
enum HeaderSource {
    /// The source that every reader of the header will see.
    ///
    /// What the quick look does not understand, such as an escape in a name, goes through the full reader, which also
    /// refuses what is no header.
    static func of(_ header: [UInt8]) throws(EventError) -> String {
        if let source = quick(header) { return source }
        return try CloudEvent(header: header, data: []).source
    }

    /// Reads a flat object of strings without escapes, in which `source` is there once. Nil for everything else.
    private static func quick(_ bytes: [UInt8]) -> String? {
        var scanner = Scanner(bytes: bytes)
        guard scanner.take("{") else { return nil }
        var source: String?
        repeat {
            guard let name = scanner.string(), scanner.take(":"), let value = scanner.string() else { return nil }
            if bytes[name].elementsEqual("source".utf8) {
                guard source == nil, !value.isEmpty else { return nil }
                source = String(decoding: bytes[value], as: UTF8.self)
            }
        } while scanner.take(",")
        return scanner.take("}") && scanner.isAtEnd ? source : nil
    }

    private struct Scanner {
        let bytes: [UInt8]
        var place = 0

        var isAtEnd: Bool { place == bytes.count }

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            while place < bytes.count, bytes[place] == 0x20 { place += 1 }
            guard place < bytes.count, bytes[place] == UInt8(ascii: character) else { return false }
            place += 1
            return true
        }

        /// The bytes between two quotes; nil with an escape or a control character among them.
        mutating func string() -> Range<Int>? {
            guard take("\"") else { return nil }
            let start = place
            while place < bytes.count {
                let byte = bytes[place]
                if byte == UInt8(ascii: "\"") {
                    place += 1
                    return start..<place - 1
                }
                guard byte >= 0x20, byte != UInt8(ascii: "\\") else { return nil }
                place += 1
            }
            return nil
        }
    }
}
