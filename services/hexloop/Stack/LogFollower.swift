import Glibc

/// Reads what programs add to their log files, and picks the lines that people should see.
struct LogFollower {
    private struct File {
        let label: String
        let path: String
        var offset: off_t
        var rest: [UInt8] = []
    }

    private static let readBytesMax = 1 << 16
    private var files: [File]

    /// Follows each file from its present end.
    init(_ programs: [Program], directory: String) {
        files = programs.map { program in
            let path = "\(directory)/\(program.label).log"
            var status = stat()
            return File(label: program.label, path: path, offset: stat(path, &status) == 0 ? status.st_size : 0)
        }
    }

    /// The problems that came up since the last call, each as a line.
    mutating func problems() -> [String] {
        var lines: [String] = []
        for index in files.indices {
            let descriptor = open(files[index].path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { continue }
            defer { close(descriptor) }
            var buffer = [UInt8](repeating: 0, count: Self.readBytesMax)
            let count = pread(descriptor, &buffer, buffer.count, files[index].offset)
            guard count > 0 else { continue }
            files[index].offset += off_t(count)
            files[index].rest += buffer[..<count]
            while let end = files[index].rest.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: files[index].rest[..<end], as: UTF8.self)
                files[index].rest.removeSubrange(...end)
                if let problem = Self.problem(line) { lines.append("\(files[index].label): \(problem)") }
            }
            if files[index].rest.count > Self.readBytesMax { files[index].rest = [] }
        }
        return lines
    }

    /// The line without its time when it is an error; nil when it is not.
    static func problem(_ line: String) -> String? {
        let words = line.split(separator: " ", maxSplits: 2)
        if words.count == 3, words[1] == "error" || words[1] == "critical" {
            return "\(words[1]) \(words[2].drop { $0 == " " })"
        }
        return line.contains("Fatal error") || line.hasPrefix("Error: ") ? line : nil
    }
}
