import Glibc

/// Files by path, with `-` for standard input and output.
enum Stream {
    /// More than this is not read.
    static let bytesMax = 1 << 32

    static func read(_ path: String) throws(CommandError) -> [UInt8] {
        let descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw CommandError("\(path) cannot be read: \(reason)") }
        defer { if path != "-" { close(descriptor) } }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = Glibc.read(descriptor, &part, part.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw CommandError("\(path) cannot be read: \(reason)") }
            guard count > 0 else { return bytes }
            guard bytes.count + count <= bytesMax else { throw CommandError("\(path) has more than \(bytesMax) bytes") }
            bytes.append(contentsOf: part.prefix(count))
        }
    }

    static func write(_ bytes: [UInt8], to path: String) throws(CommandError) {
        let flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC
        let descriptor = path == "-" ? STDOUT_FILENO : open(path, flags, 0o644)
        guard descriptor >= 0 else { throw CommandError("\(path) cannot be written: \(reason)") }
        var rest = bytes[...]
        var failure: String?
        while !rest.isEmpty, failure == nil {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count > 0 { rest = rest.dropFirst(count) } else { failure = reason }
        }
        if path != "-", close(descriptor) != 0, failure == nil { failure = reason }
        if let failure { throw CommandError("\(path) cannot be written: \(failure)") }
    }

    private static var reason: String { String(cString: strerror(errno)) }
}
