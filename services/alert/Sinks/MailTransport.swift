import NIOCore
import NIOPosix
import NIOSSL

/// The connection of a ``MailSession``.
enum MailTransport {
    /// Sends a mail; at most `timeout` in all.
    static func send(
        _ message: MailMessage,
        _ settings: MailSettings,
        name: String,
        timeout: Duration
    ) async -> SinkOutcome {
        await withTaskGroup(of: SinkOutcome?.self) { group in
            group.addTask {
                do {
                    return try await converse(MailSession(settings, message: message.bytes, name: name), settings)
                } catch {
                    return Task.isCancelled
                        ? nil : .failed("the mail server \(settings.host):\(settings.port) cannot be used: \(error)")
                }
            }
            group.addTask {
                do { try await Task.sleep(for: timeout) } catch { return nil }
                return .failed("the mail server \(settings.host):\(settings.port) did not answer within \(timeout)")
            }
            defer { group.cancelAll() }
            for await outcome in group {
                if let outcome { return outcome }
            }
            return .failed("the attempt was cut off")
        }
    }

    private typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    private static func converse(_ session: MailSession, _ settings: MailSettings) async throws -> SinkOutcome {
        let context = settings.security == .none ? nil : try tls(settings)
        // A server's address has no name to be checked.
        let host = (try? SocketAddress(ipAddress: settings.host, port: 0)) == nil ? settings.host : nil
        let connection = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(host: settings.host, port: settings.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    if settings.security == .tls, let context {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: context, serverHostname: host)
                        )
                    }
                    return try Connection(wrappingChannelSynchronously: channel)
                }
            }
        return try await connection.executeThenClose { inbound, outbound in
            var session = session
            var actions = [MailSession.Action]()[...]
            var replies = inbound.makeAsyncIterator()
            while true {
                while let action = actions.popFirst() {
                    switch action {
                    case .send(let bytes): try await outbound.write(ByteBuffer(bytes: bytes))
                    case .startTLS:
                        guard let context else { return .refused("TLS is not set up") }
                        let channel = connection.channel
                        try await channel.eventLoop.submit {
                            try channel.pipeline.syncOperations.addHandler(
                                NIOSSLClientHandler(context: context, serverHostname: host),
                                position: .first
                            )
                        }.get()
                        actions += session.secured()
                    case .finish: return .taken
                    case .fail(let outcome): return outcome
                    }
                }
                if let part = try await replies.next() {
                    actions += session.receive(part.readableBytesView)
                } else {
                    actions += session.closed()
                    guard !actions.isEmpty else { return .failed("the mail server closed the connection") }
                }
            }
        }
    }

    private static func tls(_ settings: MailSettings) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        if let authorities = settings.authorities { configuration.trustRoots = .file(authorities) }
        return try NIOSSLContext(configuration: configuration)
    }
}
