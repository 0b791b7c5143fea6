import Glibc

/// One way to hurt the bus, and what else is looked at besides what every scenario checks.
struct ChaosScenario: Sendable {
    /// What it cannot do without.
    enum Need: Sendable {
        /// The library that makes disks fail.
        case faultLibrary
        /// The rights of root.
        case root
    }

    let name: String
    /// Numbers of the fault list in docs/reliability.md.
    let covers: String
    /// What happens, for people.
    let summary: String
    var needs: [Need] = []
    /// Runs with the others in the short form.
    var isShort = false
    var population = Population()
    let act: @Sendable (ChaosNemesis) async throws -> Void

    /// Who is there.
    struct Population: Sendable {
        var producers = 2
        var publishers = 1
        var consumers = 1
        var workers = 2
        var telemetry = false
        /// Connect through ``ChaosProxy``.
        var usesProxy = false
        /// Milliseconds that a job takes.
        var jobMs = 1
        /// Jobs whose number is a multiple of this end their worker.
        var poison = 0
    }

    static let all: [ChaosScenario] = [
        ChaosScenario(
            name: "broker-killed",
            covers: "2",
            summary: "kill -9 of the broker at random moments",
            isShort: true
        ) { nemesis in
            while nemesis.goesOn {
                await nemesis.pause(100...900)
                await nemesis.yard.kill(ChaosYard.broker)
                nemesis.count()
                await nemesis.pause(0...300)
                try await nemesis.yard.startBroker()
            }
        },
        ChaosScenario(
            name: "clients-killed",
            covers: "1, 3, 4",
            summary: "kill -9 of producers, consumers and workers at random moments"
        ) { nemesis in
            while nemesis.goesOn {
                await nemesis.pause(50...400)
                let victim = nemesis.pick(await nemesis.clients)
                await nemesis.yard.kill(victim)
                nemesis.count()
                try await nemesis.yard.restart(victim)
            }
        },
        ChaosScenario(
            name: "everything-killed",
            covers: "5",
            summary: "kill -9 of every process at random moments",
            isShort: true
        ) { nemesis in
            while nemesis.goesOn {
                await nemesis.pause(50...400)
                for victim in await nemesis.clients + [ChaosYard.broker] where nemesis.one(in: 3) {
                    await nemesis.yard.kill(victim)
                    nemesis.count()
                }
                await nemesis.pause(0...300)
                for name in [ChaosYard.broker] + (await nemesis.clients) { try await nemesis.yard.restart(name) }
            }
        },
        ChaosScenario(
            name: "worker-stopped",
            covers: "6",
            summary: "SIGSTOP of a worker for longer than its lease, then SIGCONT",
            population: .init(workers: 3, jobMs: 3)
        ) { nemesis in
            while nemesis.goesOn {
                let victim = nemesis.pick(await nemesis.yard.names("w"))
                await nemesis.yard.signal(victim, SIGSTOP)
                nemesis.count()
                await nemesis.pause(1700...2600)
                await nemesis.yard.signal(victim, SIGCONT)
                await nemesis.pause(200...600)
            }
        },
        ChaosScenario(
            name: "broker-stopped",
            covers: "7",
            summary: "SIGSTOP of the broker for longer than every silence limit, then SIGCONT"
        ) { nemesis in
            while nemesis.goesOn {
                await nemesis.pause(200...600)
                await nemesis.yard.signal(ChaosYard.broker, SIGSTOP)
                nemesis.count()
                await nemesis.pause(4500...6000)
                await nemesis.yard.signal(ChaosYard.broker, SIGCONT)
                await nemesis.pause(800...1200)
            }
        },
        ChaosScenario(
            name: "power-cut-broker",
            covers: "8",
            summary: "the power goes: writes without fsync are lost in any order, the last one torn",
            needs: [.faultLibrary],
            isShort: true
        ) { nemesis in
            while nemesis.goesOn {
                await nemesis.yard.kill(ChaosYard.broker)
                try await nemesis.yard.startBroker([
                    "HEXLOOP_FAULT_POWER_AT": "\(nemesis.number(5...400))",
                    "HEXLOOP_FAULT_SEED": "\(nemesis.number(1...1_000_000))",
                ])
                await nemesis.yard.ending(of: ChaosYard.broker, within: .seconds(4))
                nemesis.count()
            }
        },
        ChaosScenario(
            name: "power-cut-clients",
            covers: "8",
            summary: "the same for the files of producers and consumers",
            needs: [.faultLibrary]
        ) { nemesis in
            while nemesis.goesOn {
                for (role, name) in await nemesis.stores {
                    guard await !nemesis.yard.isRunning(name) || nemesis.one(in: 3) else { continue }
                    await nemesis.yard.kill(name)
                    try await nemesis.yard.startClient(
                        role,
                        name,
                        faults: [
                            "HEXLOOP_FAULT_POWER_AT": "\(nemesis.number(20...300))",
                            "HEXLOOP_FAULT_SEED": "\(nemesis.number(1...1_000_000))",
                        ]
                    )
                    nemesis.count()
                }
                await nemesis.pause(200...600)
            }
        },
        ChaosScenario(
            name: "fsync-error",
            covers: "10",
            summary: "an fsync of the log fails with EIO: the broker must stop acknowledging and end",
            needs: [.faultLibrary]
        ) { nemesis in
            while nemesis.goesOn {
                await nemesis.yard.kill(ChaosYard.broker)
                try await nemesis.yard.startBroker(["HEXLOOP_FAULT_EIO_AT": "\(nemesis.number(10...60))"])
                let ending = await nemesis.yard.ending(of: ChaosYard.broker, within: .seconds(6))
                nemesis.count()
                if ending != .exit(1) {
                    nemesis.complain("after a failed fsync the broker \(ending.map { "\($0)" } ?? "went on")")
                }
            }
        },
        ChaosScenario(
            name: "slow-fsync",
            covers: "11",
            summary:
                "each fsync of the log takes 1.5 s: acknowledgements are late, and nobody takes the broker for dead",
            needs: [.faultLibrary]
        ) { nemesis in
            await nemesis.yard.kill(ChaosYard.broker)
            try await nemesis.yard.startBroker(["HEXLOOP_FAULT_FSYNC_MS": "1500"])
            nemesis.count()
            // Who had lost the broker that was killed has noticed it by then, and greeted the new one.
            await nemesis.waitForLog(opened: 2)
            await nemesis.pause(5000...5000)
            let before = await nemesis.alarms
            repeat { await nemesis.pause(4000...4000) } while nemesis.goesOn
            let alarms = await nemesis.alarms - before
            if alarms > 0 { nemesis.complain("\(alarms) clients lost a broker that was only slow") }
        },
        ChaosScenario(
            name: "disk-full",
            covers: "9",
            summary: "the log's volume is full now and then: NAK full, no restart, and on when there is room",
            needs: [.faultLibrary]
        ) { nemesis in
            await nemesis.yard.kill(ChaosYard.broker)
            try await nemesis.yard.startBroker(["HEXLOOP_FAULT_FULL": "\(nemesis.yard.directory)/\(ChaosYard.full)"])
            let broker = await nemesis.yard.processID(ChaosYard.broker)
            while nemesis.goesOn {
                await nemesis.pause(300...900)
                nemesis.yard.write("", to: ChaosYard.full)
                nemesis.count()
                await nemesis.pause(300...1500)
                unlink("\(nemesis.yard.directory)/\(ChaosYard.full)")
            }
            if await nemesis.yard.processID(ChaosYard.broker) != broker { nemesis.complain("the broker restarted") }
        },
        ChaosScenario(
            name: "outbox-disk-full",
            covers: "9",
            summary: "the outboxes' volume is full now and then: who writes is told, and nothing is promised",
            needs: [.faultLibrary]
        ) { nemesis in
            for (role, name) in await nemesis.stores where role == .producer {
                await nemesis.yard.kill(name)
                try await nemesis.yard.startClient(
                    role,
                    name,
                    faults: ["HEXLOOP_FAULT_FULL": "\(nemesis.yard.directory)/\(ChaosYard.full)"]
                )
            }
            while nemesis.goesOn {
                await nemesis.pause(300...900)
                nemesis.yard.write("", to: ChaosYard.full)
                nemesis.count()
                await nemesis.pause(300...900)
                unlink("\(nemesis.yard.directory)/\(ChaosYard.full)")
            }
            let refused = await nemesis.yard.names("p").reduce(0) { $0 + nemesis.yard.history($1).failed }
            if refused == 0 { nemesis.complain("no writer was told that its disk is full") }
            nemesis.remark("\(refused) writes were refused to their callers")
        },
        ChaosScenario(
            name: "small-volume",
            covers: "9",
            summary: "the log on a volume that runs full for real, until a file on it is removed",
            needs: [.root],
            population: .init(producers: 3)
        ) { nemesis in
            try await nemesis.onSmallVolume { ballast in
                let deadline = ContinuousClock.now + .seconds(20)
                while !nemesis.yard.log(ChaosYard.broker).contains("disk is full"),
                    ContinuousClock.now < deadline
                {
                    await nemesis.pause(50...50)
                }
                nemesis.count()
                if ContinuousClock.now >= deadline { nemesis.complain("the volume did not run full") }
                await nemesis.pause(500...500)
                let broker = await nemesis.yard.processID(ChaosYard.broker)
                unlink(ballast)
                await nemesis.pause(1500...1500)
                if await nemesis.yard.processID(ChaosYard.broker) != broker { nemesis.complain("the broker restarted") }
            }
        },
        ChaosScenario(
            name: "damaged-log",
            covers: "12",
            summary: "bytes of the log flipped or cut off: the broker names the damage, or what it reads is right"
        ) { nemesis in
            while nemesis.goesOn { try await nemesis.damageLog() }
        },
        ChaosScenario(
            name: "partition",
            covers: "13",
            summary: "nothing gets through in one direction or both for up to 5 s",
            isShort: true,
            population: .init(usesProxy: true)
        ) { nemesis in
            while nemesis.goesOn {
                await nemesis.pause(200...700)
                let direction = nemesis.number(0...2)
                nemesis.proxy?.set(.init(holdsUp: direction != 0, holdsDown: direction != 1))
                nemesis.count()
                await nemesis.pause(500...5000)
                nemesis.proxy?.set(.init())
            }
        },
        ChaosScenario(
            name: "bad-network",
            covers: "14",
            summary: "500 ms of delay, jitter, a slow line, connections cut in mid-message, ten flaps a second",
            population: .init(usesProxy: true)
        ) { nemesis in
            let weathers: [ChaosProxy.Weather] = [
                .init(delayMs: 250, jitterMs: 0), .init(delayMs: 5, jitterMs: 60), .init(delayMs: 2, pieceBytesMax: 64),
                .init(),
            ]
            while nemesis.goesOn {
                nemesis.proxy?.set(weathers[nemesis.number(0...weathers.count - 1)])
                nemesis.count()
                for _ in 0..<nemesis.number(2...10) {
                    await nemesis.pause(100...200)
                    guard nemesis.one(in: 2) else { continue }
                    if nemesis.one(in: 2) { nemesis.proxy?.cut() } else { nemesis.proxy?.reset() }
                    nemesis.count()
                }
            }
        },
        ChaosScenario(
            name: "telemetry",
            covers: "17, 18",
            summary: "a subscriber of telemetry that does not read: the broker's memory is bounded, losses are counted",
            population: .init(producers: 1, telemetry: true)
        ) { nemesis in
            var peak = 0
            while nemesis.goesOn {
                await nemesis.yard.signal("l1", SIGSTOP)
                nemesis.count()
                await nemesis.pause(800...1500)
                peak = max(peak, await nemesis.brokerBytes)
                await nemesis.yard.signal("l1", SIGCONT)
                await nemesis.pause(200...500)
            }
            if peak > 400 << 20 { nemesis.complain("the broker grew to \(peak.megabytes) MB") }
            nemesis.remark("broker at most \(peak.megabytes) MB")
        },
        ChaosScenario(
            name: "slow-consumer",
            covers: "19",
            summary: "a durable consumer far behind catches up under live traffic; the WAL stays small",
            population: .init(producers: 3)
        ) { nemesis in
            await nemesis.yard.signal("c1", SIGSTOP)
            nemesis.count()
            var walBytesMax = 0
            while nemesis.goesOn {
                await nemesis.pause(100...200)
                walBytesMax = max(walBytesMax, nemesis.fileBytes("\(nemesis.yard.logFile)-wal"))
                if nemesis.isPast(0.6) { await nemesis.yard.signal("c1", SIGCONT) }
            }
            if walBytesMax > 128 << 20 { nemesis.complain("the WAL grew to \(walBytesMax.megabytes) MB") }
            nemesis.remark("WAL at most \(walBytesMax.megabytes) MB")
        },
        ChaosScenario(
            name: "late-joiner",
            covers: "20",
            summary: "consumers that begin at the origin while traffic runs and the broker is killed"
        ) { nemesis in
            var number = 2
            while nemesis.goesOn {
                await nemesis.pause(400...900)
                if number <= 5 { try await nemesis.yard.startClient(.consumer, "c\(number)") }
                number += 1
                nemesis.count()
                if nemesis.one(in: 2) {
                    await nemesis.yard.kill(ChaosYard.broker)
                    try await nemesis.yard.startBroker()
                }
            }
        },
        ChaosScenario(
            name: "poison",
            covers: "25",
            summary: "jobs that end every worker are given up after five deliveries, and the others go on",
            population: .init(producers: 1, publishers: 0, workers: 4, poison: 150)
        ) { nemesis in
            while nemesis.goesOn {
                await nemesis.pause(50...100)
                for name in await nemesis.yard.names("w") where await !nemesis.yard.isRunning(name) {
                    nemesis.count()
                    try await nemesis.yard.restart(name)
                }
            }
        },
        ChaosScenario(
            name: "scaled-workers",
            covers: "24",
            summary: "workers 1, 10, 2, 0, 3 under load",
            population: .init(workers: 1, jobMs: 3)
        ) { nemesis in
            for count in [1, 10, 2, 0, 3] {
                for index in 1...10 {
                    let name = "w\(index)"
                    if index <= count {
                        if await nemesis.yard.names("w").contains(name) {
                            try await nemesis.yard.restart(name)
                        } else {
                            try await nemesis.yard.startClient(.worker, name, options: ["--pause", "3"])
                        }
                    } else if await nemesis.yard.isRunning(name) {
                        if nemesis.one(in: 2) {
                            await nemesis.yard.kill(name)
                        } else {
                            await nemesis.yard.signal(name, SIGTERM)
                            await nemesis.yard.ending(of: name)
                        }
                    }
                }
                nemesis.count()
                await nemesis.share(of: 5)
            }
        },
        ChaosScenario(
            name: "clock-jumps",
            covers: "29",
            summary: "the wall clocks of broker and programs jump an hour to and fro",
            needs: [.faultLibrary]
        ) { nemesis in
            let jump = ["HEXLOOP_FAULT_CLOCK_S": "3600"]
            await nemesis.yard.kill(ChaosYard.broker)
            try await nemesis.yard.startBroker(jump)
            for (role, name) in await nemesis.stores {
                await nemesis.yard.kill(name)
                try await nemesis.yard.startClient(role, name, faults: jump)
            }
            while nemesis.goesOn {
                await nemesis.pause(400...400)
                nemesis.count()
            }
        },
        ChaosScenario(
            name: "starved",
            covers: "30",
            summary: "the broker at nice 19 beside processes that burn every core"
        ) { nemesis in
            let broker = await nemesis.yard.processID(ChaosYard.broker) ?? 0
            setpriority(__priority_which_t(PRIO_PROCESS.rawValue), id_t(broker), 19)
            try await nemesis.burn(cores: 4) {
                while nemesis.goesOn {
                    await nemesis.pause(200...200)
                    nemesis.count()
                }
            }
        },
        ChaosScenario(
            name: "two-brokers",
            covers: "33",
            summary: "a second broker on the same volume does not start"
        ) { nemesis in
            while nemesis.goesOn {
                try await nemesis.startSecondBroker()
                nemesis.count()
            }
        },
        ChaosScenario(
            name: "drain",
            covers: "34",
            summary: "SIGTERM of the broker under load: it ends with 0 in time, and goes on where it was",
            population: .init(producers: 4)
        ) { nemesis in
            while nemesis.goesOn {
                await nemesis.pause(300...900)
                await nemesis.yard.signal(ChaosYard.broker, SIGTERM)
                nemesis.count()
                let ending = await nemesis.yard.ending(of: ChaosYard.broker, within: .seconds(30))
                if ending != .exit(0) {
                    nemesis.complain("after SIGTERM the broker \(ending.map { "\($0)" } ?? "did not end")")
                }
                try await nemesis.yard.restart(ChaosYard.broker)
            }
        },
    ]

    /// Entries of the fault list that are looked at elsewhere, or cannot be made on one machine.
    static let elsewhere: [(covers: String, what: String, place: String)] = [
        (
            "13", "a partition of five minutes; keepalive on TCP",
            "simulation (virtual time); the options are checked by ZeroMQTests"
        ),
        (
            "15", "an idle hour behind a Swarm virtual IP",
            "cannot run here: it needs a Swarm; `endpoint_mode: dnsrr` and keepalive of 30 s are set"
        ),
        ("16", "the broker's container is replaced and has another address", "`compose/check.sh`, which needs Docker"),
        (
            "21", "a producer with an old copy of its outbox, two copies of one producer",
            "MembershipTests, and the simulation"
        ),
        (
            "22, 23", "duplicates in and out of the window, numbers out of order",
            "BusTests, GatewayTests, and the simulation"
        ),
        (
            "26, 27", "messages over every limit, garbage, slow handshakes, descriptors used up",
            "the tests of the limits"
        ),
        ("28", "keys, rights, forged sources", "the tests of the rights"),
        (
            "30", "the kernel's OOM killer",
            "the same as kill -9, which runs here; memory limits need a cgroup of their own"
        ),
        ("31", "artifacts cut at every tenth", "the tests of the artifacts"),
        ("32", "an older and a newer version together", "ContractTests"),
        ("33", "a log that was made anew", "MembershipTests"),
        ("35", "24 hours without a fault", "too long for here: `hexloop chaos --minutes 1440 --scenario calm`"),
    ]
}
