/// Where people are told, and with what in hand.
struct SinkSettings: Sendable, Hashable {
    /// What takes a notice.
    enum Kind: Sendable, Hashable {
        /// A line in the service's log.
        case log
        /// A POST of the notice as JSON; signed when there is a secret.
        case webhook(url: String, secret: String?)
        /// A POST as Slack, Mattermost and others take it.
        case slack(url: String)
        /// PagerDuty's Events API, version 2.
        case pagerDuty(url: String, key: String)
        /// A Prometheus Alertmanager, by its base address.
        case alertmanager(url: String)
        /// A mail by SMTP.
        case mail(MailSettings)
    }

    static let timeoutDefault = Duration.seconds(5)
    static let attemptsDefault = 10

    var kind: Kind
    /// How long one attempt may take.
    var timeout = Self.timeoutDefault
    /// Attempts after which a delivery is given up.
    var attempts = Self.attemptsDefault
}

/// How mail is sent.
struct MailSettings: Sendable, Hashable {
    enum Security: String, Sendable, Hashable, CaseIterable {
        /// TLS from the first byte, as on port 465.
        case tls
        /// TLS after STARTTLS, as on port 587; a server that does not offer it gets no mail.
        case starttls
        /// No TLS: for a relay on the same machine.
        case none

        var portDefault: Int {
            switch self {
            case .tls: 465
            case .starttls: 587
            case .none: 25
            }
        }
    }

    struct Login: Sendable, Hashable {
        var user: String
        var password: String
    }

    static let recipientsMax = 100

    var host: String
    var port: Int
    var security: Security
    var login: Login?
    var from: String
    var to: [String]
    /// A PEM file with the authorities that the server's certificate may be from; those of the system when nil.
    var authorities: String?
}

/// What became of an attempt to tell people.
enum SinkOutcome: Sendable, Hashable {
    case taken
    /// It may be taken later.
    case failed(String)
    /// It will never be taken as it is.
    case refused(String)
}
