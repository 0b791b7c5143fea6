import ArgumentParser
import Bus
import Events
import FoundationEssentials
import Membership

struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "The keys of the loop: who may connect and do what, and the pair that signs models.",
        discussion: """
            'setup' makes all that a loop over TCP needs. Whoever joins later gets a key with 'make'. The bus and the \
            registry read changes within a second.
            """,
        subcommands: [
            Initialize.self, SetUp.self, Make.self, List.self, Rotate.self, Revoke.self,
        ]
    )

    struct Initialize: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "init",
            abstract: "Makes the key pair that signs models when it is missing."
        )

        @OptionGroup var options: PlaceOptions

        @Argument(help: "Where signing.key and signing.pub are. (default: <data>/keys)")
        var directory: String?

        func run() async throws {
            let directory = try directory.map(Place.absolute) ?? options.place().keyDirectory
            let keys = try KeyPair.ensure(in: directory)
            Terminal().line("\(keys.isNew ? "made" : "found") key \(keys.keyID) in \(directory)")
        }
    }
}

/// Where the keys of the bus are.
struct KeyDirectoryOptions: ParsableArguments {
    @OptionGroup var place: PlaceOptions

    @Option(help: ArgumentHelp("Where the keys are. (default: <data>/keys)", valueName: "directory"))
    var directory: String?

    func keys() throws -> KeyDirectory {
        KeyDirectory(path: try directory.map(Place.absolute) ?? place.place().keyDirectory)
    }
}

extension KeysCommand {
    struct SetUp: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "setup",
            abstract: "Makes the broker's keys and one identity for each program, the operator and a publisher.",
            discussion: "What is there already stays as it is."
        )

        @OptionGroup var options: KeyDirectoryOptions

        func run() async throws {
            let keys = try options.keys()
            let made = try keys.setUp(site: try options.place.place().site)
            let text = made.isEmpty ? "all keys are there" : "made keys of \(made.joined(separator: ", "))"
            Terminal().line("\(text) in \(keys.path)")
        }
    }

    struct Make: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "make",
            abstract: "Makes an identity: its key file, and its rights in the access file."
        )

        @OptionGroup var options: KeyDirectoryOptions

        @Argument(help: "Its name, such as plc-7.")
        var name: String

        @Option(
            help: "Rights of one of: \(AccessRole.allCases.map(\.rawValue).joined(separator: ", ")). (default: none)"
        )
        var role: String?

        @Option(help: ArgumentHelp("Topics that it may publish on, such as e/plant-a/label/.", valueName: "filter"))
        var publish: [String] = []

        @Option(help: ArgumentHelp("Topics that it may read, such as e/*/decay/.", valueName: "filter"))
        var subscribe: [String] = []

        @Option(
            help: ArgumentHelp(
                "Sources that its events may name; with a trailing / all below it. (default: //<site>/<name>/)",
                valueName: "source"
            )
        )
        var source: [String] = []

        @Option(help: ArgumentHelp("Work groups that it may join.", valueName: "group"))
        var group: [String] = []

        @Option(help: "What it may do with artifacts: none, read or write. (default: that of the role)")
        var artifacts: String?

        @Flag(help: "Print the key file instead of keeping it here.")
        var print = false

        func run() async throws {
            let keys = try options.keys()
            let site = try options.place.place().site
            let rights = try rights(site: site)
            let text = try keys.make(name, try chosenRole(), rights, isKept: !print)
            Terminal().line(
                print
                    ? String(decoding: text.dropLast(), as: UTF8.self)
                    : "made \(keys.keyPath(name)); give it to \(name) as HEXLOOP_BUS_KEY"
            )
        }

        private func chosenRole() throws -> AccessRole? {
            guard let role else { return nil }
            guard let known = AccessRole(rawValue: role) else {
                let names = AccessRole.allCases.map(\.rawValue).joined(separator: ", ")
                throw CommandError("--role '\(role)' must be one of: \(names)")
            }
            return known
        }

        private func rights(site: String) throws -> AccessRights {
            var rights =
                try chosenRole()?.rights(name: name, site: site)
                ?? AccessRights(sources: ["//\(site)/\(name)/"], names: [name, "\(name)/"])
            // A foreigner's filters take the place of what its role would give.
            if !publish.isEmpty { rights.publish = try publish.map(Self.filter) }
            if !subscribe.isEmpty { rights.subscribe = try subscribe.map(Self.filter) }
            if !source.isEmpty { rights.sources = source }
            if !group.isEmpty { rights.groups = group }
            if let artifacts {
                guard let known = AccessRights.Artifacts(rawValue: artifacts) else {
                    throw CommandError("--artifacts '\(artifacts)' must be none, read or write")
                }
                rights.artifacts = known
            }
            return rights
        }

        private static func filter(_ text: String) throws -> AccessFilter {
            guard let filter = AccessFilter(text) else {
                throw CommandError("'\(text)' is no filter: segments of a-z, 0-9, '.', '_', '-' or *, and a trailing /")
            }
            return filter
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows identities, keys and rights.")

        @OptionGroup var options: KeyDirectoryOptions

        @Flag(help: "As the access file has it.")
        var json = false

        func run() async throws {
            let policy = try options.keys().policy()
            let terminal = Terminal()
            if json {
                terminal.line(String(decoding: try policy.text().dropLast(), as: UTF8.self))
                return
            }
            let now = Member.clock()
            var table = TextTable(["name", "role", "key", "state", "publishes", "reads", "artifacts"])
            for identity in policy.identities {
                let rights = identity.rights
                for (index, key) in identity.keys.enumerated() {
                    let state =
                        switch key.until {
                        case nil: "in force"
                        case let until? where until > now: "until \(until.rfc3339.prefix(19))Z"
                        default: "expired"
                        }
                    let isFirst = index == 0
                    table.add([
                        isFirst ? identity.name : "", isFirst ? identity.role ?? "" : "", String(key.key.prefix(12)),
                        state, isFirst ? Self.count(rights.publish) : "", isFirst ? Self.count(rights.subscribe) : "",
                        isFirst ? rights.artifacts.rawValue : "",
                    ])
                }
                if identity.keys.isEmpty { table.add([identity.name, identity.role ?? "", "", "no key", "", "", ""]) }
            }
            for entry in policy.revoked {
                table.add([entry.name, "", String(entry.key.prefix(12)), "revoked", "", "", ""])
            }
            table.write(to: terminal, indent: "")
        }

        private static func count(_ filters: [AccessFilter]) -> String {
            filters.contains { $0.text.isEmpty } ? "everything" : "\(filters.count) filters"
        }
    }

    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Gives an identity a new key; the old one is accepted for a time."
        )

        @OptionGroup var options: KeyDirectoryOptions

        @Argument(help: "Whose key.")
        var name: String

        @Option(help: "How long the old key is accepted, such as 90s, 10m, 1h or 7d.")
        var grace = "1h"

        @Flag(help: "Print the key file instead of keeping it here.")
        var print = false

        func run() async throws {
            let keys = try options.keys()
            let text = try keys.rotate(name, grace: try Self.duration(grace), now: Member.clock(), isKept: !print)
            Terminal().line(
                print
                    ? String(decoding: text.dropLast(), as: UTF8.self)
                    : "\(keys.keyPath(name)) is new; \(name) takes it up when it connects anew"
            )
        }

        static func duration(_ text: String) throws(CommandError) -> Duration {
            let seconds: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
            guard let unit = text.last.flatMap({ seconds[$0] }), let count = Int(text.dropLast()),
                (0...10_000).contains(count)
            else { throw CommandError("--grace '\(text)' must be a number with s, m, h or d, such as 10m") }
            return .seconds(count * unit)
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Takes back all keys of an identity, or one key, at once and for ever."
        )

        @OptionGroup var options: KeyDirectoryOptions

        @Argument(help: "A name, or a public key.")
        var nameOrKey: String

        func run() async throws {
            let keys = try options.keys().revoke(nameOrKey, now: Member.clock())
            Terminal().line("revoked \(keys.joined(separator: ", "))")
        }
    }
}
