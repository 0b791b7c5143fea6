import Configuration
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A YAML file read once: its values, and the keys it has.
struct ConfigurationFile {
    let snapshot: YAMLSnapshot
    let keys: Set<String>

    static let bytesMax = 1 << 20

    /// Reads the file; nil when it holds nothing but comments.
    init?(path: String) throws(SettingsError) {
        let bytes = try Self.read(path)
        guard Self.hasContent(bytes) else { return nil }
        // The snapshot does not list its keys, but it asks for each whether it is secret.
        let seen = SeenKeys()
        let options = YAMLSnapshot.ParsingOptions(
            secretsSpecifier: .dynamic { key, _ in
                seen.keys.withLock { _ = $0.insert(key) }
                return false
            }
        )
        do {
            self.snapshot = try YAMLSnapshot(data: bytes.span.bytes, providerName: path, parsingOptions: options)
        } catch {
            throw .malformedFile(path: path, reason: OneLine.describe(error))
        }
        self.keys = seen.keys.withLock { $0 }
    }

    private final class SeenKeys: Sendable {
        let keys = Mutex<Set<String>>([])
    }

    private static func hasContent(_ bytes: [UInt8]) -> Bool {
        bytes.split(separator: UInt8(ascii: "\n")).contains { line in
            guard let first = line.first(where: { $0 != UInt8(ascii: " ") && $0 != 13 && $0 != 9 }) else {
                return false
            }
            return first != UInt8(ascii: "#") && !line.elementsEqual("---".utf8)
        }
    }

    private static func read(_ path: String) throws(SettingsError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw .unreadableFile(path: path, reason: SystemError.current())
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = chunk.withUnsafeMutableBytes { Descriptor.read(descriptor, $0) }
            guard count >= 0 else {
                throw .unreadableFile(path: path, reason: SystemError.current())
            }
            guard count > 0 else { return bytes }
            bytes.append(contentsOf: chunk[..<count])
            guard bytes.count <= bytesMax else {
                throw .unreadableFile(path: path, reason: "it is larger than \(bytesMax) bytes")
            }
        }
    }
}
