import Bus
import Events
import FoundationEssentials
import Glibc
import Logging
import ServiceKit
import ServiceLifecycle
import ZeroMQ

/// The broker as a part of its process.
struct BusService: Service {
    let configuration: BusConfiguration
    let health: Health
    let logger: Logger

    func run() async throws {
        let directory = configuration.directory
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let lock = try DirectoryLock.acquire(directory)
        if let sockets = configuration.address.directory {
            if try PrivateDirectory.ensure(sockets) {
                logger.warning("closed the directory of the sockets to other users", metadata: ["path": "\(sockets)"])
            }
        }
        logger.info("descriptors", metadata: ["max": "\(Descriptors.raiseLimit())"])
        let (failures, failed) = AsyncStream.makeStream(of: String.self)
        let (configuration, logger) = (configuration, logger)
        let reactor = Reactor<BrokerCommand>("broker") { broker in
            let now = Timestamp(seconds: Date().timeIntervalSince1970)
            if let replaced = try LogFile.restore(in: directory, now: now) {
                logger.notice("the log was restored from a backup", metadata: ["log.replaced": "\(replaced)"])
            }
            let log = try EventLog(path: "\(directory)/bus.sqlite")
            log.retention = configuration.retention
            logger.info(
                "the log is open",
                metadata: ["log.head": "\(log.snapshot.head)", "log.epoch": "\(log.snapshot.epoch)"]
            )
            return try BrokerBody(
                configuration: configuration,
                log: log,
                logger: logger,
                results: { broker.post(.log($0)) },
                onFatal: { failed.yield($0) }
            )
        } undelivered: {
            BrokerBody.turnAway($0)
        } failed: {
            failed.yield("\($0)")
        }
        let reporter = BusReporter(reactor: reactor, health: health)
        let failure = await cancelWhenGracefulShutdown {
            await withTaskGroup(of: String?.self) { group in
                group.addTask {
                    for await message in failures { return message }
                    return nil
                }
                group.addTask {
                    await reporter.run()
                    return nil
                }
                let first = await group.next() ?? nil
                group.cancelAll()
                return first
            }
        }
        if let failure {
            // The log's state is unknown: end at once and recover from disk, without another write.
            throw LogError(failure)
        }
        reactor.stop()
        reactor.join()
        withExtendedLifetime(lock) {}
    }
}
