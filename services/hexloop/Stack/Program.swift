import ModelContainer

/// One program of the stack and what it is told beyond what all are told.
struct Program: Sendable {
    /// Executable, beside this one.
    let name: String
    /// Told apart from its replicas by this, until its beat says what it calls itself.
    let instance: String
    let environment: [String: String]

    /// Names its log file and its lines.
    var label: String { instance == "main" ? name : instance }

    /// Every program, each after those it leans on; they stop in reverse order.
    static func all(nodes: Int, gatewayPort: Int, keys: KeyPair, busKeys: KeyDirectory?) -> [Program] {
        let verification = ["HEXLOOP_VERIFICATION_KEY": keys.publicPath]
        var programs = [
            Program(name: "bus", instance: "main", environment: [:]),
            Program(name: "registry", instance: "main", environment: verification),
            Program(name: "converter", instance: "main", environment: ["HEXLOOP_SIGNING_KEY": keys.secretPath]),
            Program(name: "trainer", instance: "main", environment: [:]),
        ]
        for node in 1...max(nodes, 1) {
            programs.append(
                Program(name: "inference-node", instance: "inference-node-\(node)", environment: verification)
            )
        }
        programs += [
            // Each pipeline's share of a monitor has threads that mostly wait; they need no heap each.
            Program(name: "monitor", instance: "main", environment: ["MALLOC_ARENA_MAX": "1"]),
            Program(name: "alert", instance: "main", environment: [:]),
            Program(name: "gateway", instance: "main", environment: ["HEXLOOP_HTTP_PORT": "\(gatewayPort)"]),
        ]
        guard let busKeys else { return programs }
        return programs.map { program in
            var environment = program.environment
            environment["HEXLOOP_BUS_KEY"] = busKeys.keyPath(program.name)
            if ["bus", "registry"].contains(program.name) { environment["HEXLOOP_ACCESS_FILE"] = busKeys.accessPath }
            return Program(name: program.name, instance: program.instance, environment: environment)
        }
    }
}
