import Configuration

extension Settings {
    /// One read: the typed value from the reader, and for an error the text and its source.
    struct Lookup {
        let reader: ConfigReader
        let sources: [(source: Source, snapshot: any ConfigSnapshot)]
        let defaults: [String: Default]

        func read<Value>(
            _ key: String,
            expected: String,
            _ body: (ConfigKey) throws -> Value
        ) throws(SettingsError) -> Value {
            precondition(defaults[key] != nil, "The setting \(key) is read but not declared with a default")
            guard let raw = raw(key) else {
                throw .missing(key: key)
            }
            do {
                return try body(ConfigKey(key))
            } catch {
                // The reader's errors are not public and say no more than that the text does not convert.
                throw malformed(key, value: raw.text, expected: expected)
            }
        }

        func string(_ key: String, oneOf choices: [String]) throws(SettingsError) -> String {
            let expected = "one of \(choices.joined(separator: ", "))"
            let text = try read(key, expected: expected) { try reader.requiredString(forKey: $0) }
            guard choices.contains(text) else {
                throw malformed(key, value: text, expected: expected)
            }
            return text
        }

        func choice<Choice: CaseIterable & RawRepresentable<String>>(
            _ key: String
        ) throws(SettingsError) -> Choice {
            let text = try string(key, oneOf: Choice.allCases.map(\.rawValue))
            guard let choice = Choice(rawValue: text) else {
                throw malformed(key, value: text, expected: "a known word")
            }
            return choice
        }

        func check<Value: Comparable>(
            _ value: Value,
            _ key: String,
            in range: ClosedRange<Value>
        ) throws(SettingsError) -> Value {
            guard range.contains(value) else {
                let raw = raw(key)
                throw .outOfRange(
                    key: key,
                    value: raw?.text ?? "\(value)",
                    allowed: "\(range.lowerBound)...\(range.upperBound)",
                    source: raw?.source ?? .defaults
                )
            }
            return value
        }

        func malformed(_ key: String, value: String, expected: String) -> SettingsError {
            .malformed(key: key, value: value, expected: expected, source: raw(key)?.source ?? .defaults)
        }

        /// The text of the first source that has the key, as the reader would choose it.
        private func raw(_ key: String) -> (text: String, source: Source)? {
            let absolute = AbsoluteConfigKey(ConfigKey(key))
            for (source, snapshot) in sources {
                do {
                    if case .string(let text) = try snapshot.value(forKey: absolute, type: .string).value?.content {
                        return (text, source)
                    }
                } catch {
                    // Only a list in the file has no text.
                    return ("a list", source)
                }
            }
            return nil
        }
    }
}
