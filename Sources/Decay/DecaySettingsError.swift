/// A setting of a monitor that cannot be used.
public struct DecaySettingsError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Name of the setting, such as `window`.
    public let setting: String
    /// The value that was refused, as text.
    public let value: String
    /// What would have been accepted.
    public let allowed: String

    /// `window: 0 is not allowed; allowed: 1...100000`.
    public var description: String { "\(setting): \(value) is not allowed; allowed: \(allowed)" }

    init(_ setting: String, _ value: some CustomStringConvertible, _ allowed: String) {
        self.setting = setting
        self.value = value.description
        self.allowed = allowed
    }
}
