import Configuration

/// Values written as text: those of the command line, the environment and the defaults.
struct TextSnapshot: ConfigSnapshot {
    let providerName: String
    let texts: [String: String]

    /// The value does not read as the type asked for.
    struct NotConvertible: Error {
        let key: String
        let type: ConfigType
    }

    func value(forKey key: AbsoluteConfigKey, type: ConfigType) throws -> LookupResult {
        let name = key.components.joined(separator: ".")
        guard let text = texts[name] else {
            return LookupResult(encodedKey: name, value: nil)
        }
        guard let content = Self.content(of: text, as: type) else {
            throw NotConvertible(key: name, type: type)
        }
        return LookupResult(encodedKey: name, value: ConfigValue(content, isSecret: false))
    }

    private static func content(of text: String, as type: ConfigType) -> ConfigContent? {
        switch type {
        case .string: .string(text)
        case .int: Int(text).map(ConfigContent.int)
        case .double: Double(text).map(ConfigContent.double)
        case .bool: bool(text).map(ConfigContent.bool)
        case .stringArray: .stringArray(words(text))
        case .bytes, .intArray, .doubleArray, .boolArray, .byteChunkArray: nil
        }
    }

    private static func bool(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true", "yes", "on", "1": true
        case "false", "no", "off", "0": false
        default: nil
        }
    }

    private static func words(_ text: String) -> [String] {
        text.split(separator: ",").compactMap { word in
            let bare = word.drop(while: \.isWhitespace)
            guard let last = bare.lastIndex(where: { !$0.isWhitespace }) else { return nil }
            return String(bare[...last])
        }
    }
}

/// A provider whose values never change.
struct SnapshotProvider: ConfigProvider {
    let fixed: any ConfigSnapshot

    var providerName: String { fixed.providerName }

    func value(forKey key: AbsoluteConfigKey, type: ConfigType) throws -> LookupResult {
        try fixed.value(forKey: key, type: type)
    }

    func fetchValue(forKey key: AbsoluteConfigKey, type: ConfigType) async throws -> LookupResult {
        try fixed.value(forKey: key, type: type)
    }

    func watchValue<Return: ~Copyable>(
        forKey key: AbsoluteConfigKey,
        type: ConfigType,
        updatesHandler: (
            _ updates: ConfigUpdatesAsyncSequence<Result<LookupResult, any Error>, Never>
        ) async throws -> Return
    ) async throws -> Return {
        try await watchValueFromValue(forKey: key, type: type, updatesHandler: updatesHandler)
    }

    func snapshot() -> any ConfigSnapshot { fixed }

    func watchSnapshot<Return: ~Copyable>(
        updatesHandler: (_ updates: ConfigUpdatesAsyncSequence<any ConfigSnapshot, Never>) async throws -> Return
    ) async throws -> Return {
        try await watchSnapshotFromSnapshot(updatesHandler: updatesHandler)
    }
}
