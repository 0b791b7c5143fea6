import Events

/// Reads events from an HTTP request.
///
/// Source: CloudEvents HTTP protocol binding 1.0.2, sections 3.1 (binary), 3.2 (structured) and 3.3 (batched).
enum EventBinding {
    /// How a request carries events.
    enum Mode: Sendable, Hashable {
        /// One event in the body, attributes and data.
        case structured
        /// A JSON array of them.
        case batch
        /// Attributes in `ce-` headers; the body is the data.
        case binary
    }

    /// Largest body of a request, in bytes.
    static let bodyBytesMax = 4 * 1024 * 1024
    /// Most events in one batch.
    static let batchEventsMax = 1_000

    static let structuredType = "application/cloudevents+json"
    static let batchType = "application/cloudevents-batch+json"
    private static let headerPrefix = "ce-"

    /// Which mode a request is in.
    /// - Parameter headers: Names in lower case with their values.
    /// - Throws: ``Refusal`` 415 that names the media types which are taken.
    static func mode(_ headers: [(name: String, value: String)]) throws(Refusal) -> Mode {
        let contentType = headers.first { $0.name == "content-type" }?.value
        let media = contentType.map(mediaType) ?? ""
        if media == structuredType { return .structured }
        if media == batchType { return .batch }
        if !media.hasPrefix("application/cloudevents"), headers.contains(where: { $0.name.hasPrefix(headerPrefix) }) {
            return .binary
        }
        let found = contentType.map { "content-type '\($0)'" } ?? "a request without content-type"
        throw Refusal(
            415,
            "unsupported-media-type",
            "\(found) is not taken; send \(structuredType), \(batchType), or the data with the event's attributes in "
                + "ce- headers (ce-specversion: 1.0, ce-id, ce-source, ce-type)"
        )
    }

    /// The events of a request, each read or refused, in order.
    /// - Throws: ``Refusal`` when the request as a whole cannot be read.
    static func events(
        _ mode: Mode,
        _ headers: [(name: String, value: String)],
        body: [UInt8]
    ) throws(Refusal) -> [Result<CloudEvent, Refusal>] {
        switch mode {
        case .binary: return [read { () throws(Refusal) in try binary(headers, body) }]
        case .structured:
            let value: JSONValue
            do throws(EventError) { value = try EventCoding.decode(JSONValue.self, from: body) } catch {
                throw Refusal(400, error.code, "the body: \(error.message)", of: nil)
            }
            return [read { () throws(Refusal) in try structured(value) }]
        case .batch:
            let values: [JSONValue]
            do throws(EventError) { values = try EventCoding.decode([JSONValue].self, from: body) } catch {
                throw Refusal(400, error.code, "the body must be a JSON array of events: \(error.message)", of: nil)
            }
            guard values.count <= batchEventsMax else {
                throw Refusal(
                    413,
                    ErrorCode.tooMany.rawValue,
                    "\(values.count) events in one batch; \(batchEventsMax) are allowed: send several batches"
                )
            }
            return values.map { value in read { () throws(Refusal) in try structured(value) } }
        }
    }

    private static func read(_ body: () throws(Refusal) -> CloudEvent) -> Result<CloudEvent, Refusal> {
        do throws(Refusal) { return .success(try body()) } catch { return .failure(error) }
    }

    private static func structured(_ value: JSONValue) throws(Refusal) -> CloudEvent {
        guard case .object(let object) = value else {
            throw Refusal(
                400,
                .badData,
                "an event must be a JSON object with specversion, id, source and type",
                of: nil
            )
        }
        do throws(EventError) { return try CloudEvent(structured: object) } catch {
            throw Refusal(400, error.code, error.message, attributes: object)
        }
    }

    private static func binary(
        _ headers: [(name: String, value: String)],
        _ body: [UInt8]
    ) throws(Refusal) -> CloudEvent {
        var attributes: [String: JSONValue] = [:]
        for (header, value) in headers where header.hasPrefix(headerPrefix) {
            let name = String(header.dropFirst(headerPrefix.count))
            let objection: String? =
                if name == "datacontenttype" {
                    "comes from the content-type header; leave '\(header)' out"
                } else if attributes[name] != nil {
                    "is given twice; leave one '\(header)' header"
                } else {
                    nil
                }
            if let objection {
                throw Refusal(400, .badAttribute, "attribute '\(name)' \(objection)", attributes: attributes)
            }
            guard let text = decoded(value) else {
                throw Refusal(
                    400,
                    .badAttribute,
                    "attribute '\(name)' is not percent-encoded UTF-8; write each byte outside of printable ASCII, and "
                        + "'%', as %XX",
                    attributes: attributes
                )
            }
            attributes[name] = .string(text)
        }
        if let contentType = headers.first(where: { $0.name == "content-type" })?.value {
            attributes["datacontenttype"] = .string(contentType)
        }
        do throws(EventError) { return try CloudEvent(attributes: attributes, data: body) } catch {
            throw Refusal(400, error.code, "\(error.message) (header 'ce-...')", attributes: attributes)
        }
    }

    /// The value of a `ce-` header: quotes removed, then percent-decoded; nil when that gives no UTF-8.
    static func decoded(_ value: String) -> String? {
        var rest = Array(value.utf8)[...]
        if rest.count >= 2, rest.first == UInt8(ascii: "\""), rest.last == UInt8(ascii: "\"") {
            rest = unquoted(rest.dropFirst().dropLast())[...]
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(rest.count)
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexValue), let low = rest.popFirst().flatMap(hexValue) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func unquoted(_ quoted: ArraySlice<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        var isEscaped = false
        for byte in quoted {
            if byte == UInt8(ascii: "\\"), !isEscaped {
                isEscaped = true
            } else {
                bytes.append(byte)
                isEscaped = false
            }
        }
        return bytes
    }

    private static func hexValue(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x41...0x46: digit - 0x41 + 10
        case 0x61...0x66: digit - 0x61 + 10
        default: nil
        }
    }

    /// `application/json` of `Application/JSON; charset=utf-8`.
    static func mediaType(_ contentType: String) -> String {
        let end = contentType.firstIndex(of: ";") ?? contentType.endIndex
        return String(contentType[..<end].filter { $0 != " " && $0 != "\t" }).lowercased()
    }
}
