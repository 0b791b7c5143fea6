/// Lets the same text pass once in a while: somebody who is refused a thousand times a second is told of now and then.
struct RepeatFilter: Sendable {
    /// The same text passes once in this time.
    static let pause: Duration = .seconds(10)
    /// Texts that are remembered; beyond it the memory begins anew.
    static let rememberedMax = 1000

    private var said: [String: (at: Duration, unsaid: Int)] = [:]

    /// How often the text was held back since it last passed; nil when it is held back now.
    mutating func pass(_ text: String, now: Duration) -> Int? {
        if let last = said[text], now - last.at < Self.pause {
            said[text]?.unsaid += 1
            return nil
        }
        if said.count >= Self.rememberedMax { said = [:] }
        return said.updateValue((now, 0), forKey: text)?.unsaid ?? 0
    }

    mutating func isNew(_ text: String, now: Duration) -> Bool { pass(text, now: now) != nil }
}
