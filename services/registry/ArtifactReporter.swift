import Bus
import CoreMetrics

/// Turns the artifact server's figures into metrics, each second.
struct ArtifactReporter: Sendable {
    private let sent = Gauge(label: "artifact_sent_bytes")
    private let received = Gauge(label: "artifact_received_bytes")
    private let stored = Gauge(label: "artifacts_stored")
    private let refused = Gauge(label: "artifact_requests_refused")
    private let readers = Gauge(label: "artifact_readers")
    private let uploads = Gauge(label: "artifact_uploads")

    /// Reports until cancelled.
    func run(_ server: ArtifactServer) async {
        while !Task.isCancelled {
            let counters = server.counters
            sent.record(counters.bytesSent)
            received.record(counters.bytesReceived)
            stored.record(counters.artifactsStored)
            refused.record(counters.refused)
            readers.record(counters.readers)
            uploads.record(counters.uploads)
            try? await Task.sleep(for: .seconds(1))
        }
    }
}
