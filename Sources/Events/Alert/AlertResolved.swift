/// What an alert was about is over.
public struct AlertResolved: Event {
    public static let kind = EventKind("alert", "resolved")

    public var alert: String
    public var rule: String
    public var about: String
    /// Events that repeated the alert while it was raised.
    public var repeats: Int
    public var message: String

    public var subject: String { rule }

    public init(alert: String, rule: String, about: String, repeats: Int, message: String) {
        self.alert = alert
        self.rule = rule
        self.about = about
        self.repeats = repeats
        self.message = message
    }
}
