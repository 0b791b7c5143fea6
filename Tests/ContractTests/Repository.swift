import ChildProcesses
import Events
import Foundation
import Testing
import ZeroMQ

/// The files of this repository that are a contract with others.
enum Repository {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func bytes(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: root.appendingPathComponent(path)))
    }

    static func text(_ path: String) throws -> String { String(decoding: try bytes(path), as: UTF8.self) }

    static func json(_ path: String) throws -> JSONValue {
        do { return try EventCoding.decode(JSONValue.self, from: try bytes(path)) } catch {
            throw ContractError("\(path): \(error)")
        }
    }

    /// Files under `folder` whose name ends with `suffix`, as paths from the root.
    static func files(_ folder: String, _ suffix: String) throws -> [String] {
        let base = root.appendingPathComponent(folder).path
        let found = FileManager.default.enumerator(atPath: base)?.compactMap { $0 as? String } ?? []
        return found.filter { $0.hasSuffix(suffix) }.sorted().map { "\(folder)/\($0)" }
    }

    /// The Python of the test environment, which `scripts/test-dependencies.sh` makes; nil when it is not there.
    static let python: String? = {
        let path = root.appendingPathComponent(".build-venv/bin/python").path
        return FileManager.default.isExecutableFile(atPath: path) ? path : nil
    }()

    static let noPython: Comment = "there is no .build-venv; scripts/test-dependencies.sh makes it"

    /// Runs a program to its end.
    /// - Returns: Its exit code and everything that it wrote.
    static func run(
        _ program: String,
        _ arguments: [String],
        environment: [String: String] = [:]
    ) async throws -> (code: Int32, output: String) {
        let output = "/tmp/hexloop-contract-\(UInt32.random(in: 0...UInt32.max))"
        defer { try? FileManager.default.removeItem(atPath: output) }
        var variables = ["PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"]
        variables["PYTHONDONTWRITEBYTECODE"] = "1"
        variables.merge(environment) { $1 }
        let child = try ChildProcess(program, arguments: arguments, environment: variables, output: output)
        let code = try await DedicatedThread.run("wait") { child.wait() }
        return (code, (try? String(contentsOfFile: output, encoding: .utf8)) ?? "")
    }
}

struct ContractError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

extension JSONValue {
    subscript(_ key: String) -> JSONValue? {
        guard case .object(let object) = self else { return nil }
        return object[key]
    }

    var object: [String: JSONValue] {
        guard case .object(let object) = self else { return [:] }
        return object
    }

    var array: [JSONValue] {
        guard case .array(let array) = self else { return [] }
        return array
    }

    var string: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    var int: Int? {
        guard case .integer(let number) = self else { return nil }
        return Int(number)
    }

    var double: Double? {
        switch self {
        case .integer(let number): Double(number)
        case .unsigned(let number): Double(number)
        case .number(let number): number
        default: nil
        }
    }

    /// Every value within, this one first.
    var all: [JSONValue] {
        switch self {
        case .object(let object): [self] + object.values.flatMap(\.all)
        case .array(let array): [self] + array.flatMap(\.all)
        default: [self]
        }
    }

    /// What a JSON pointer such as `#/servers/command` names.
    func at(_ pointer: String) -> JSONValue? {
        var value: JSONValue? = self
        for part in pointer.drop(while: { $0 == "#" }).split(separator: "/") {
            value = value?[part.replacingOccurrences(of: "~1", with: "/").replacingOccurrences(of: "~0", with: "~")]
        }
        return value
    }
}
