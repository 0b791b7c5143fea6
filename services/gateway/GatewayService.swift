import Hummingbird
import HummingbirdCore
import Logging
import Membership
import NIOCore
import ServiceKit
import ServiceLifecycle

/// The HTTP server as a part of its process.
struct GatewayService: Service {
    /// Connections that may be open at once; more wait in the kernel's queue.
    private static let connectionsMax = 1_024
    private static let idleSecondsMax: Int64 = 60

    let member: Member
    let configuration: GatewayConfiguration
    let responder: GatewayResponder

    init(member: Member, configuration: GatewayConfiguration, responder: GatewayResponder) {
        self.member = member
        self.configuration = configuration
        self.responder = responder
        member.health.set("http", .notReady("not listening yet"))
    }

    func run() async throws {
        let (member, configuration) = (member, configuration)
        let application = Application(
            responder: responder,
            server: .http1(configuration: .init(idleTimeout: .seconds(Self.idleSecondsMax))),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port),
                serverName: "hexloop",
                availableConnectionsDelegate: MaximumAvailableConnections(Self.connectionsMax)
            ),
            onServerRunning: { channel in
                member.health.set("http", .ready)
                member.logger.notice(
                    "listening",
                    metadata: [
                        "http.host": "\(configuration.host)",
                        "http.port": "\(channel.localAddress?.port ?? configuration.port)",
                    ]
                )
            },
            logger: member.logger
        )
        do {
            try await application.run()
        } catch let error as IOError {
            throw ConfigurationError(
                "cannot listen on http.host '\(configuration.host)', http.port \(configuration.port): \(error); "
                    + "choose another port, or 0 for a free one"
            )
        }
    }
}
