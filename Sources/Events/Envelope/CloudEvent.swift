import FoundationEssentials

/// An event as it travels: CloudEvents 1.0 attributes and the data's bytes.
///
/// Source: CloudEvents 1.0.2, https://github.com/cloudevents/spec. On the bus the attributes are one JSON object
/// (binary mode) and the data is a frame of its own; `docs/wire.md` has the layout.
public struct CloudEvent: Sendable, Hashable {
    /// Largest data that the bus takes inline, in bytes; larger things are artifacts that the event names by digest.
    public static let dataBytesMax = 60 * 1024
    /// Largest attribute object, in bytes.
    public static let headerBytesMax = 4 * 1024

    /// Unique per ``source``; an event with the same pair is a duplicate.
    public var id: String
    /// Who says it: `//site/service/instance`.
    public var source: String
    /// Reverse-DNS name of the kind.
    public var type: String
    /// What it is about.
    public var subject: String?
    /// When it happened; for people, never for order.
    public var time: Timestamp?
    /// Media type of ``data``; JSON when absent.
    public var dataContentType: String?
    /// Where the data's schema stands.
    public var dataSchema: String?
    /// Extension attributes, such as `runid`.
    public var extensions: [String: String]
    /// The data as its media type says.
    public var data: [UInt8]

    /// An event from its parts.
    public init(
        id: String,
        source: String,
        type: String,
        subject: String? = nil,
        time: Timestamp? = nil,
        dataContentType: String? = nil,
        dataSchema: String? = nil,
        extensions: [String: String] = [:],
        data: [UInt8] = []
    ) {
        self.id = id
        self.source = source
        self.type = type
        self.subject = subject
        self.time = time
        self.dataContentType = dataContentType
        self.dataSchema = dataSchema
        self.extensions = extensions
        self.data = data
    }

    /// The lap this event belongs to: set by the decay event or training request, copied into all that follow from it.
    public var runID: String? {
        get { extensions["runid"] }
        set { extensions["runid"] = newValue }
    }

    /// Wraps an event's data.
    public init(
        _ event: any Event,
        id: String,
        source: String,
        time: Timestamp,
        runID: String? = nil
    ) throws(EventError) {
        self.init(
            id: id,
            source: source,
            type: Swift.type(of: event).kind.type,
            subject: event.subject,
            time: time,
            dataContentType: "application/json",
            data: try EventCoding.encode(event)
        )
        self.runID = runID
    }

    /// Reads the data as `kind`.
    /// - Throws: ``EventError`` that names the field when the data does not fit.
    public func decode<E: Event>(_ kind: E.Type) throws(EventError) -> E {
        guard type == E.kind.type else { throw EventError(.wrongType, "is '\(type)', not '\(E.kind.type)'") }
        return try EventCoding.decode(kind, from: data)
    }
}

// MARK: - Attributes as one JSON object (binary mode)

extension CloudEvent {
    /// The attributes as a JSON object with sorted keys; ``data`` is not in it.
    public func header() throws(EventError) -> [UInt8] {
        var attributes = extensions
        attributes["specversion"] = "1.0"
        attributes["id"] = id
        attributes["source"] = source
        attributes["type"] = type
        attributes["subject"] = subject
        attributes["time"] = time?.rfc3339
        attributes["datacontenttype"] = dataContentType
        attributes["dataschema"] = dataSchema
        return try EventCoding.encode(attributes)
    }

    /// Reads attributes and data of binary mode.
    /// - Throws: ``EventError`` that names the attribute which is missing or wrong.
    public init(header: [UInt8], data: [UInt8]) throws(EventError) {
        let attributes = try EventCoding.decode([String: JSONValue].self, from: header)
        try self.init(attributes: attributes, data: data)
    }

    /// Takes attributes from an object; unknown ones become extensions.
    /// - Throws: ``EventError`` that names the attribute which is missing or wrong.
    public init(attributes: [String: JSONValue], data: [UInt8]) throws(EventError) {
        var rest = attributes
        func text(_ name: String) throws(EventError) -> String? {
            switch rest.removeValue(forKey: name) {
            case nil, .null?: return nil
            case .string(let value)? where !value.isEmpty: return value
            default: throw EventError(.badAttribute, "attribute '\(name)' must be a string that is not empty")
            }
        }
        func required(_ name: String) throws(EventError) -> String {
            guard let value = try text(name) else {
                throw EventError(.badAttribute, "attribute '\(name)' is missing; CloudEvents 1.0 requires it")
            }
            return value
        }
        let version = try required("specversion")
        guard version == "1.0" else {
            throw EventError(.badAttribute, "attribute 'specversion' is '\(version)'; only '1.0' is understood")
        }
        let id = try required("id")
        let source = try required("source")
        let type = try required("type")
        let subject = try text("subject")
        let timeText = try text("time")
        let time = timeText.flatMap { Timestamp(rfc3339: $0) }
        if let timeText, time == nil {
            throw EventError(.badAttribute, "attribute 'time' is '\(timeText)', not RFC 3339")
        }
        let contentType = try text("datacontenttype")
        let schema = try text("dataschema")
        var extensions: [String: String] = [:]
        for (name, value) in rest {
            guard Self.isAttributeName(name) else {
                throw EventError(.badAttribute, "attribute name '\(name)' may only hold a-z and 0-9")
            }
            switch value {
            case .string(let text): extensions[name] = text
            case .integer(let number): extensions[name] = String(number)
            case .bool(let flag): extensions[name] = flag ? "true" : "false"
            case .null: break
            default: throw EventError(.badAttribute, "attribute '\(name)' must be a string, an integer or a boolean")
            }
        }
        self.init(
            id: id,
            source: source,
            type: type,
            subject: subject,
            time: time,
            dataContentType: contentType,
            dataSchema: schema,
            extensions: extensions,
            data: data
        )
    }

    /// Whether `name` may name an attribute: lower-case letters and digits.
    public static func isAttributeName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) }
    }
}

// MARK: - Structured mode

extension CloudEvent {
    /// Reads `application/cloudevents+json`.
    /// - Throws: ``EventError`` that names what is missing or wrong.
    public init(structured bytes: [UInt8]) throws(EventError) {
        try self.init(structured: try EventCoding.decode([String: JSONValue].self, from: bytes))
    }

    /// Reads one event of a structured object or of a batch.
    /// - Throws: ``EventError`` that names what is missing or wrong.
    public init(structured object: [String: JSONValue]) throws(EventError) {
        var attributes = object
        let data = attributes.removeValue(forKey: "data")
        let base64 = attributes.removeValue(forKey: "data_base64")
        switch (data, base64) {
        case (nil, .string(let text)?):
            guard let decoded = Data(base64Encoded: text) else {
                throw EventError(.badData, "'data_base64' is not base64")
            }
            try self.init(attributes: attributes, data: Array(decoded))
        case (nil, nil), (.null?, nil): try self.init(attributes: attributes, data: [])
        case (.string(let text)?, nil) where !Self.isJSON(attributes["datacontenttype"]):
            try self.init(attributes: attributes, data: Array(text.utf8))
        case (let value?, nil):
            try self.init(attributes: attributes, data: try EventCoding.encode(value))
            if dataContentType == nil { dataContentType = "application/json" }
        default: throw EventError(.badData, "'data' and 'data_base64' exclude each other")
        }
    }

    /// Whether data of that media type is JSON; it is when none is named.
    private static func isJSON(_ mediaType: JSONValue?) -> Bool {
        guard case .string(let text) = mediaType else { return true }
        let type = text.prefix { $0 != ";" }.filter { $0 != " " }
        return type.hasSuffix("/json") || type.hasSuffix("+json")
    }

    /// `application/cloudevents+json` of this event; data that is no JSON goes as base64.
    public func structured() throws(EventError) -> [UInt8] {
        var object = try EventCoding.decode([String: JSONValue].self, from: try header())
        if !data.isEmpty {
            if Self.isJSON(dataContentType.map { .string($0) }) {
                object["data"] = try EventCoding.decode(JSONValue.self, from: data)
            } else {
                object["data_base64"] = .string(Data(data).base64EncodedString())
            }
        }
        return try EventCoding.encode(object)
    }
}
