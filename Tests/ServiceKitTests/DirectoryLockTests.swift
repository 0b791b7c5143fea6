import FoundationEssentials
import Glibc
import Testing

@testable import ServiceKit

@Suite("A directory has one holder at a time")
struct DirectoryLockTests {
    @Test("a second holder is refused with the first one's process id, and let in afterwards")
    func exclusive() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/bus"
        var first: DirectoryLock? = try DirectoryLock.acquire(path)
        #expect(first?.directory == path)
        #expect(throws: DirectoryLockError.held(directory: path, owner: getpid())) {
            try DirectoryLock.acquire(path)
        }
        first = nil
        first = try DirectoryLock.acquire(path)
    }

    @Test("missing directories are created for the owner alone")
    func mode() throws {
        let directory = try TemporaryDirectory()
        let lock = try DirectoryLock.acquire(directory.path + "/a/b")
        let attributes = try FileManager.default.attributesOfItem(atPath: lock.directory)
        #expect(attributes[.posixPermissions] as? Int == 0o700)
    }

    @Test("replicas get the first free slots and find them again")
    func slots() throws {
        let directory = try TemporaryDirectory()
        let base = directory.path + "/nodes"
        var first: DirectoryLock? = try DirectoryLock.claimSlot(in: base, prefix: "node-", max: 3)
        let second = try DirectoryLock.claimSlot(in: base, prefix: "node-", max: 3)
        #expect(first?.directory == base + "/node-1")
        #expect(second.directory == base + "/node-2")
        first = nil
        first = try DirectoryLock.claimSlot(in: base, prefix: "node-", max: 3)
        let third = try DirectoryLock.claimSlot(in: base, prefix: "node-", max: 3)
        #expect(first?.directory == base + "/node-1")
        #expect(third.directory == base + "/node-3")
        #expect(throws: DirectoryLockError.noFreeSlot(base: base, prefix: "node-", max: 3)) {
            try DirectoryLock.claimSlot(in: base, prefix: "node-", max: 3)
        }
    }

    @Test("many replicas at once get different slots")
    func race() async throws {
        let directory = try TemporaryDirectory()
        let locks = try await withThrowingTaskGroup(of: DirectoryLock.self) { group in
            for _ in 0..<16 {
                group.addTask { try DirectoryLock.claimSlot(in: directory.path, prefix: "node-", max: 16) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(Set(locks.map(\.directory)).count == 16)
    }

    @Test("a file in the way and a lock that is a link are refused")
    func unusable() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.file("bus", "")
        #expect(throws: DirectoryLockError.unusable(path: file, reason: "File exists")) {
            try DirectoryLock.acquire(file)
        }
        symlink("/dev/null", directory.path + "/lock")
        let error = #expect(throws: DirectoryLockError.self) { try DirectoryLock.acquire(directory.path) }
        #expect(error?.description.contains("lock cannot be used") == true)
    }

    @Test("a lock goes when its process ends")
    func processEnd() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/bus"
        await #expect(processExitsWith: .exitCode(0)) { [path = path as String] in
            let lock = try DirectoryLock.acquire(path)
            withExtendedLifetime(lock) { exit(0) }
        }
        #expect(try DirectoryLock.acquire(path).directory == path)
    }
}
