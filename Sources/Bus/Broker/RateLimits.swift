/// How much each identity may do: its sessions, and two buckets, of messages and of bytes, that fill evenly and hold one
/// second's worth.
public struct RateLimits: Sendable, Hashable {
    /// Identities that are remembered; beyond it all buckets are full anew.
    static let rememberedMax = 10_000

    /// Messages of one identity in a second.
    public let messagesPerSecondMax: Int
    /// Bytes of one identity in a second.
    public let bytesPerSecondMax: Int
    /// Sessions of one identity at once.
    public let sessionsMax: Int
    private var buckets: [String: Bucket] = [:]

    private struct Bucket: Sendable, Hashable {
        var messages: Double
        var bytes: Double
        var filledAt: Duration
    }

    /// Limits that no well-meaning program reaches, unless given others.
    public init(messagesPerSecondMax: Int = 200_000, bytesPerSecondMax: Int = 512 << 20, sessionsMax: Int = 256) {
        self.sessionsMax = sessionsMax
        self.messagesPerSecondMax = messagesPerSecondMax
        self.bytesPerSecondMax = bytesPerSecondMax
    }

    /// Takes a message out of the buckets of `name`.
    /// - Returns: Milliseconds after which it would go; nil when it goes now. Then nothing is taken out.
    mutating func take(_ name: String, bytes: Int, now: Duration) -> Int? {
        let (rate, byteRate) = (Double(messagesPerSecondMax), Double(bytesPerSecondMax))
        if buckets.count >= Self.rememberedMax, buckets[name] == nil { buckets = [:] }
        var bucket = buckets[name] ?? Bucket(messages: rate, bytes: byteRate, filledAt: now)
        let (seconds, attoseconds) = (now - bucket.filledAt).components
        let passed = Double(seconds) + Double(attoseconds) * 1e-18
        bucket.messages = min(rate, bucket.messages + passed * rate)
        bucket.bytes = min(byteRate, bucket.bytes + passed * byteRate)
        bucket.filledAt = now
        defer { buckets[name] = bucket }
        // A message larger than a whole second's bytes goes when the bucket is full.
        let size = min(Double(bytes), byteRate)
        guard bucket.messages >= 1, bucket.bytes >= size else {
            let wait = max((1 - bucket.messages) / rate, (size - bucket.bytes) / byteRate)
            return max(1, Int((wait * 1000).rounded(.up)))
        }
        bucket.messages -= 1
        bucket.bytes -= size
        return nil
    }
}
