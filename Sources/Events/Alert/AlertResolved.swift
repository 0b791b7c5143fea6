/// What an alert was about is over.
public struct AlertResolved: Event {
    /// Durable; said by the alert program when an event that the rule's `resolveBy` names came.
    public static let kind = EventKind("alert", "resolved")

    /// Which alert, as in ``AlertRaised/alert``.
    public var alert: String
    /// Name of the rule that had raised it.
    public var rule: String
    /// What it was about, as in ``AlertRaised/about``.
    public var about: String
    /// Events that repeated the alert while it was raised.
    public var repeats: Int
    /// What ended it: the event's name and what it says of itself.
    public var message: String

    /// The rule, as for ``AlertRaised``: one topic filter gives both.
    public var subject: String { rule }

    /// The end of an alert from its parts.
    public init(alert: String, rule: String, about: String, repeats: Int, message: String) {
        self.alert = alert
        self.rule = rule
        self.about = about
        self.repeats = repeats
        self.message = message
    }
}
