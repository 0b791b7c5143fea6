import Events
import FoundationEssentials
import Glibc
import HummingbirdCore
import NIOCore
import NIOPosix
import Storage

/// The body of a request in a file, too large to be held in memory; the file is gone with the value.
final class BodyFile: Sendable {
    let path: String
    /// SHA-256 of the bytes.
    let digest: String
    let byteCount: Int

    /// Bytes that are written at once.
    private static let pieceBytes = 1 << 20

    private init(path: String, digest: String, byteCount: Int) {
        self.path = path
        self.digest = digest
        self.byteCount = byteCount
    }

    deinit { unlink(path) }

    /// Makes an empty directory for such files; what an earlier process left there is removed.
    static func makeDirectory(_ directory: String) throws(StorageError) {
        do {
            if FileManager.default.fileExists(atPath: directory) {
                try FileManager.default.removeItem(atPath: directory)
            }
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        } catch { throw StorageError("cannot make \(directory): \(error)") }
    }

    /// Takes a body as it comes.
    /// - Throws: ``Refusal`` 400 when it is empty or ends too early, 413 over `bytesMax`, 500 when it cannot be written.
    static func receive(_ body: RequestBody, in directory: String, bytesMax: Int) async throws(Refusal) -> BodyFile {
        let path = "\(directory)/\(UInt64.random(in: 0...UInt64.max))"
        do {
            var (piece, count) = (ByteBuffer(), 0)
            for try await part in body {
                count += part.readableBytes
                guard count <= bytesMax else { throw tooLarge(bytesMax) }
                piece.writeImmutableBuffer(part)
                guard piece.readableBytes >= pieceBytes else { continue }
                try await append(piece, to: path)
                piece.clear()
            }
            guard count > 0 else { throw Refusal(400, ErrorCode.badData.rawValue, "the body is empty; it is the file") }
            try await append(piece, to: path)
            let digest = try await NIOThreadPool.singleton.runIfActive { try OutgoingFile(path: path).digest() }
            return BodyFile(path: path, digest: digest, byteCount: count)
        } catch {
            unlink(path)
            if let refusal = error as? Refusal { throw refusal }
            guard error is StorageError else {
                throw Refusal(400, ErrorCode.badData.rawValue, "the body ended too early: \(error)")
            }
            throw Refusal(500, ErrorCode.storage.rawValue, "the body cannot be kept: \(error)")
        }
    }

    /// The refusal of a body that is too large.
    static func tooLarge(_ bytesMax: Int) -> Refusal {
        Refusal(413, ErrorCode.tooLarge.rawValue, "the body has more than \(bytesMax) bytes, which is the limit")
    }

    /// Writes off the cooperative pool, which a slow disk would block.
    private static func append(_ piece: ByteBuffer, to path: String) async throws {
        try await NIOThreadPool.singleton.runIfActive {
            let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
            guard file >= 0 else { throw StorageError("cannot open \(path): \(String(cString: strerror(errno)))") }
            defer { close(file) }
            var rest = piece.readableBytesView[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw StorageError("cannot write \(path): \(String(cString: strerror(errno)))") }
                rest = rest.dropFirst(count)
            }
        }
    }
}
