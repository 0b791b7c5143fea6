import Events
import Foundation

/// A JSON Schema of this repository, for the keywords that it uses; the others of draft 2020-12 are an error.
struct Schema {
    let path: String
    let document: JSONValue

    init(_ path: String) throws {
        self.path = path
        document = try Repository.json(path)
    }

    /// Why `value` does not fit, by path; empty when it does.
    func faults(_ value: JSONValue) -> [String] { faults(value, document, "") }

    func accepts(_ value: JSONValue) -> Bool { faults(value).isEmpty }

    private static let annotations: Set<String> = [
        "$schema", "$id", "$defs", "title", "description", "default", "examples",
    ]

    private func faults(_ value: JSONValue, _ schema: JSONValue, _ place: String) -> [String] {
        var found: [String] = []
        for (keyword, argument) in schema.object where !Self.annotations.contains(keyword) {
            switch keyword {
            case "$ref":
                let target = argument.string.flatMap { document.at($0) }
                found += target.map { faults(value, $0, place) } ?? ["\(place): \(argument) leads nowhere"]
            case "type":
                let types = argument.string.map { [$0] } ?? argument.array.compactMap(\.string)
                if !types.contains(where: { Self.has(value, $0) }) { found.append("\(place) is not \(types)") }
            case "enum": if !argument.array.contains(value) { found.append("\(place) is none of \(argument)") }
            case "const": if argument != value { found.append("\(place) is not \(argument)") }
            case "properties":
                for (name, part) in argument.object {
                    if let member = value[name] { found += faults(member, part, "\(place).\(name)") }
                }
            case "required":
                guard case .object(let object) = value else { break }
                for name in argument.array.compactMap(\.string) where object[name] == nil {
                    found.append("\(place).\(name) is missing")
                }
            case "additionalProperties":
                if case .bool(true) = argument { break }
                for (name, member) in value.object where schema["properties"]?[name] == nil {
                    found += faults(member, argument, "\(place).\(name)")
                }
            case "propertyNames":
                for name in value.object.keys { found += faults(.string(name), argument, "\(place): name '\(name)'") }
            case "items":
                for (index, element) in value.array.enumerated() {
                    found += faults(element, argument, "\(place)[\(index)]")
                }
            case "anyOf", "oneOf":
                let fits = argument.array.filter { faults(value, $0, place).isEmpty }.count
                if fits == 0 || (keyword == "oneOf" && fits > 1) { found.append("\(place) fits \(fits) of \(keyword)") }
            case "pattern":
                guard let text = value.string, let pattern = argument.string else { break }
                if text.range(of: pattern, options: .regularExpression) == nil {
                    found.append("\(place) '\(text)' is not like \(pattern)")
                }
            case "minimum", "maximum":
                guard let number = value.double, let limit = argument.double else { break }
                if keyword == "minimum" ? number < limit : number > limit { found.append("\(place): \(number)") }
            case "minLength":
                if let text = value.string, text.count < argument.int ?? 0 { found.append("\(place): short") }
            case "maxLength":
                if let text = value.string, text.count > argument.int ?? 0 { found.append("\(place): long") }
            case "format":
                guard let text = value.string, argument == .string("date-time") else { break }
                if Timestamp(rfc3339: text) == nil { found.append("\(place) '\(text)' is no time") }
            default: found.append("\(path) uses '\(keyword)', which this check does not know")
            }
        }
        return found
    }

    private static func has(_ value: JSONValue, _ type: String) -> Bool {
        switch (value, type) {
        case (.null, "null"), (.bool, "boolean"), (.string, "string"), (.array, "array"), (.object, "object"): true
        case (.integer, "integer"), (.unsigned, "integer"): true
        case (.integer, "number"), (.unsigned, "number"), (.number, "number"): true
        default: false
        }
    }
}
