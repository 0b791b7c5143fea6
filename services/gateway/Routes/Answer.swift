import Events
import ServiceKit

/// What a route answers, before it becomes HTTP.
struct Answer: Sendable, Hashable {
    var status: Int
    /// Names in lower case.
    var headers: [String: String]
    var body: [UInt8]

    /// An answer of JSON.
    /// - Throws: `EventError` when `value` has no JSON form.
    init(_ status: Int, _ value: some Encodable) throws(EventError) {
        self.status = status
        headers = ["content-type": "application/json"]
        body = try EventCoding.encode(value)
    }

    /// An answer that is JSON already.
    init(json body: [UInt8]) {
        status = 200
        headers = ["content-type": "application/json"]
        self.body = body
    }

    /// A refusal as JSON.
    init(_ refusal: Refusal) {
        status = refusal.status
        headers = ["content-type": "application/json"]
        // Two texts always have a JSON form.
        body = (try? EventCoding.encode(["code": refusal.code, "message": refusal.message])) ?? []
    }

    /// Metrics as Prometheus reads them.
    init(metrics groups: [MetricGroup]) {
        status = 200
        headers = ["content-type": PrometheusText.contentType]
        body = Array(PrometheusText.render(groups).utf8)
    }
}
