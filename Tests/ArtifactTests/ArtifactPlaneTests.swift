import Bus
import ChildProcesses
import Foundation
import Glibc
import Storage
import Synchronization
import Testing
import ZeroMQ

private let creditBytes = ArtifactLimits.chunksInFlightMax * ArtifactLimits.chunkBytes

/// Size of the large artifact; `HEXLOOP_ARTIFACT_TEST_MIB=1024 swift test --filter ArtifactTests` takes 1 GiB.
private let largeBytes = (Int(ProcessInfo.processInfo.environment["HEXLOOP_ARTIFACT_TEST_MIB"] ?? "") ?? 256) << 20

/// Numbers from a seed, for where to strike.
private struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ state >> 29
    }
}

@Suite("Artifacts move between real processes", .serialized, .timeLimit(.minutes(3)))
struct ArtifactPlaneTests {
    @Test("two nodes fetch a large artifact at once, and the registry's memory stays that of their credit")
    func twoNodes() async throws {
        let house = try ArtifactHouse()
        let digest = try house.place(bytes: largeBytes, seed: 1)
        // The first small transfer brings in what any transfer needs.
        let small = try house.place(bytes: 3 << 20, seed: 2)
        #expect(try await house.run(["get", small, "\(house.directory)/small"]) == 0, "\(house.log())")
        let before = try house.memory("VmHWM")
        let clock = ContinuousClock()
        let began = clock.now
        let nodes = try (0..<2).map {
            try house.command(["get", digest, "\(house.directory)/copy-\($0)"], log: "node-\($0)")
        }
        for node in 0..<2 { #expect(await house.end(nodes[node]) == 0, "\(house.log("node-\(node)"))") }
        let took = clock.now - began
        let grown = try house.memory("VmHWM") - before
        let allowed = creditBytes * 2 + (8 << 20)
        print(
            "two nodes x \(largeBytes >> 20) MiB in \(took): the registry's peak memory grew by \(grown >> 10) KiB; "
                + "credit x chunk x peers is \((creditBytes * 2) >> 10) KiB"
        )
        #expect(grown <= allowed)
        for node in 0..<2 {
            #expect(try OutgoingFile(path: "\(house.directory)/copy-\(node)").digest() == digest)
            #expect(house.size("\(house.directory)/copy-\(node).part") == -1)
        }
    }

    /// Runs a command to its end through the proxy, while client and server are killed by turns, once in each tenth.
    private func kill(
        _ house: ArtifactHouse,
        bytes: Int,
        seed: UInt64,
        isUpload: Bool,
        _ arguments: [String]
    ) async throws {
        var random = Generator(state: seed)
        let marks = (1...9).map { $0 * bytes / 10 + Int.random(in: 0..<bytes / 20, using: &random) }
        let first = Bool.random(using: &random)
        let (strikes, struck) = AsyncStream.makeStream(of: Bool.self)
        let next = Mutex(0)
        let client = Mutex<ChildProcess?>(nil)
        let proxy = try CountingProxy(house.proxySocket, to: house.socket) { down, up in
            next.withLock { next in
                guard next < marks.count, (isUpload ? up : down) >= marks[next] else { return }
                let isServer = first == next.isMultiple(of: 2)
                next += 1
                if isServer { house.strike() } else { client.withLock { $0?.signal(SIGKILL) } }
                struck.yield(isServer)
            }
        }
        defer { proxy.close() }
        let (exits, exited) = AsyncStream.makeStream(of: Int32.self)
        func start() throws {
            let child = try house.command(arguments, proxied: true)
            client.withLock { $0 = child }
            _ = DedicatedThread("wait") { exited.yield(child.wait()) }
        }
        try start()
        let servers = Task {
            for await isServer in strikes where isServer {
                house.kill()
                try house.start()
            }
        }
        var kills = 0
        for await status in exits {
            if status == -SIGKILL {
                kills += 1
                try start()
                continue
            }
            #expect(status == 0, "seed \(seed): \(house.log())")
            break
        }
        struck.finish()
        try await servers.value
        #expect(next.withLock { $0 } == marks.count)
        let moved = isUpload ? proxy.counts.up : proxy.counts.down
        // What was under way at each kill comes again, and one per cent for headers and the other direction's words.
        let allowed = bytes + marks.count * creditBytes + bytes / 100
        print(
            "\(isUpload ? "upload" : "download") of \(bytes >> 20) MiB with \(kills) kills of the client and "
                + "\(marks.count - kills) of the registry (seed \(seed)): \(moved) bytes moved, \(moved - bytes) over"
        )
        #expect(moved <= allowed, "seed \(seed)")
    }

    @Test("a download whose client and server are killed by turns goes on, and fetches nothing twice that is safe")
    func killedDownload() async throws {
        let house = try ArtifactHouse()
        let bytes = 96 << 20
        let digest = try house.place(bytes: bytes, seed: 3)
        let seed = UInt64.random(in: 0...UInt64.max)
        try await kill(house, bytes: bytes, seed: seed, isUpload: false, ["get", digest, "\(house.directory)/copy"])
        #expect(try OutgoingFile(path: "\(house.directory)/copy").digest() == digest)
    }

    @Test("an upload whose client and server are killed by turns goes on, and sends nothing twice that is stored")
    func killedUpload() async throws {
        let house = try ArtifactHouse()
        let bytes = 96 << 20
        let file = "\(house.directory)/original"
        let digest = try house.make(file, bytes: bytes, seed: 4)
        let seed = UInt64.random(in: 0...UInt64.max)
        try await kill(house, bytes: bytes, seed: seed, isUpload: true, ["put", file])
        #expect(try OutgoingFile(path: "\(house.store)/\(digest)").digest() == digest)
        #expect(house.log().contains(digest))
        #expect(house.size("\(house.store)/\(digest).part") == -1)
    }

    @Test("a byte that is flipped on the way is fetched again; one that was flipped on the disk is named and not kept")
    func flipped() async throws {
        let house = try ArtifactHouse()
        let digest = try house.place(bytes: 4 << 20, seed: 5)
        let copy = "\(house.directory)/copy"
        do {
            let proxy = try CountingProxy(house.proxySocket, to: house.socket, flipAt: 700_000)
            defer { proxy.close() }
            #expect(try await house.run(["get", digest, copy], proxied: true) == 0)
            #expect(house.log().contains("1 damaged chunks repeated"))
            #expect(try OutgoingFile(path: copy).digest() == digest)
        }
        let handle = try FileHandle(forUpdating: URL(filePath: "\(house.store)/\(digest)"))
        try handle.seek(toOffset: 1 << 20)
        try handle.write(contentsOf: Data([0xAA, 0xAA]))
        try handle.close()
        let other = "\(house.directory)/other"
        #expect(try await house.run(["get", digest, other], log: "flipped") == 1)
        #expect(house.log("flipped").contains(digest))
        #expect(house.log("flipped").contains("is damaged"))
        #expect(house.size(other) == -1)
        #expect(house.size("\(other).part") <= 0)
        // The registry moved it aside, says that it is gone, and takes it again.
        #expect(house.size("\(house.store)/\(digest).damaged") == 4 << 20)
        #expect(try await house.run(["info", digest], log: "gone") == 1)
        #expect(try await house.run(["put", copy], log: "put") == 0)
        #expect(try OutgoingFile(path: "\(house.store)/\(digest)").digest() == digest)
    }

    @Test("a part with wrong bytes is fetched anew, once")
    func wrongPart() async throws {
        let house = try ArtifactHouse()
        let digest = try house.place(bytes: 4 << 20, seed: 6)
        let copy = "\(house.directory)/copy"
        try Data(repeating: 9, count: 1 << 20).write(to: URL(filePath: "\(copy).part"))
        #expect(try await house.run(["get", digest, copy]) == 0, "\(house.log())")
        #expect(house.log().contains("begun again after wrong bytes"))
        #expect(try OutgoingFile(path: copy).digest() == digest)
        #expect(try await house.run(["get", digest, copy], log: "again") == 0)
        #expect(house.log("again").contains("is there already"))
    }

    @Test("a file that is replaced while it is sent or fetched is noticed")
    func replaced() async throws {
        let house = try ArtifactHouse()
        let bytes = 24 << 20
        let file = "\(house.directory)/original"
        let digest = try house.make(file, bytes: bytes, seed: 7)
        let stored = try house.place(bytes: bytes, seed: 8)
        let isFirst = Atomic(true)
        let copy = "\(house.directory)/copy"
        // A third of the way up, then a third of the way down.
        let proxy = try CountingProxy(house.proxySocket, to: house.socket) { down, up in
            if up > bytes / 3, isFirst.exchange(false, ordering: .relaxed) {
                let descriptor = open(file, O_WRONLY)
                _ = pwrite(descriptor, "x", 1, 100)
                close(descriptor)
            }
            if down > bytes / 3 { rename("\(house.directory)/shorter", "\(house.store)/\(stored)") }
        }
        defer { proxy.close() }
        #expect(try await house.run(["put", file], proxied: true) == 75)
        #expect(house.log().contains("changed, removed or replaced while it was being read"))
        #expect(house.size("\(house.store)/\(digest)") == -1)
        _ = try house.make("\(house.directory)/shorter", bytes: bytes - 1_000_000, seed: 9)
        #expect(try await house.run(["get", stored, copy], proxied: true, log: "get") == 1)
        #expect(house.log("get").contains(stored))
        #expect(house.size(copy) == -1)
    }

    @Test("a full disk is named on either side, and the same command goes on when there is room")
    func full() async throws {
        // Without a handler, a file over the limit ends the process; children inherit that it is ignored.
        signal(SIGXFSZ, SIG_IGN)
        let house = try ArtifactHouse()
        let bytes = 8 << 20
        // Swift's Glibc module does not carry prlimit.
        typealias Prlimit =
            @convention(c) (pid_t, Int32, UnsafePointer<rlimit>?, UnsafeMutablePointer<rlimit>?) -> Int32
        let prlimit = unsafeBitCast(try #require(dlsym(nil, "prlimit")), to: Prlimit.self)
        func limit(_ process: pid_t, _ count: rlim_t) {
            var limit = rlimit(rlim_cur: count, rlim_max: .max)
            #expect(prlimit(process, Int32(RLIMIT_FSIZE.rawValue), &limit, nil) == 0)
        }
        let digest = try house.place(bytes: bytes, seed: 10)
        let copy = "\(house.directory)/copy"
        let proxy = try CountingProxy(house.proxySocket, to: house.socket)
        defer { proxy.close() }
        let get = try house.command(["get", digest, copy], proxied: true)
        limit(get.id, 3 << 20)
        #expect(await house.end(get) == 75)
        #expect(house.log().contains("make room and try again"))
        let kept = house.size("\(copy).part")
        #expect(kept > 0 && kept <= 3 << 20)
        #expect(try await house.run(["get", digest, copy], proxied: true, log: "again") == 0)
        #expect(house.log("again").contains("\(kept) were there"))

        let file = "\(house.directory)/original"
        let upload = try house.make(file, bytes: bytes, seed: 11)
        limit(house.processID, 3 << 20)
        #expect(try await house.run(["put", "--patience", "1", file], log: "put") == 75)
        #expect(house.log("put").contains("make room and try again"))
        // The registry goes on without a restart, while the client waits.
        let waiting = try house.command(["put", file], log: "put-again")
        limit(house.processID, .max)
        #expect(await house.end(waiting) == 0, "\(house.log("put-again"))")
        #expect(try OutgoingFile(path: "\(house.store)/\(upload)").digest() == upload)
    }

    @Test("two programs store the same file at once, and it is stored once, with its bytes")
    func twoUploaders() async throws {
        let house = try ArtifactHouse()
        let file = "\(house.directory)/original"
        let digest = try house.make(file, bytes: 24 << 20, seed: 12)
        let children = try (0..<2).map { try house.command(["put", file], log: "put-\($0)") }
        for (index, child) in children.enumerated() {
            #expect(await house.end(child) == 0, "\(house.log("put-\(index)"))")
        }
        #expect(try OutgoingFile(path: "\(house.store)/\(digest)").digest() == digest)
        #expect(try await house.run(["info", digest], log: "info") == 0)
        #expect(house.log("info").contains("\(24 << 20) bytes"))
    }

    @Test("the command says what is wrong and ends with a code that says whether trying again may help")
    func mistakes() async throws {
        let house = try ArtifactHouse()
        let nothing = String(repeating: "0", count: 64)
        #expect(try await house.run(["get", nothing, "\(house.directory)/x"], log: "a") == 1)
        #expect(house.log("a").contains("is not here"))
        #expect(try await house.run(["get", "beef", "\(house.directory)/x"], log: "b") == 64)
        #expect(try await house.run(["put", "\(house.directory)/no-such-file"], log: "c") == 1)
        #expect(house.log("c").contains("No such file"))
        try Data([1]).write(to: URL(filePath: "\(house.directory)/there"))
        #expect(try await house.run(["get", nothing, "\(house.directory)/there"], log: "d") == 1)
        #expect(house.log("d").contains("--force"))
        house.kill()
        #expect(try await house.run(["info", nothing, "--patience", "1"], log: "e") == 75)
        #expect(house.log("e").contains("is the registry running?"))
    }
}
