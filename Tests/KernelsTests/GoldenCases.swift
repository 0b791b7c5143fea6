import Foundation
import Testing

/// The kernels that ran on the emulator: `Fixtures/kernels.json`.
struct GoldenKernel: Decodable, Sendable, CustomTestStringConvertible {
    struct TensorPlace: Decodable, Sendable {
        let name: String
        let shape: [Int]
        let offset: Int

        var count: Int { shape.reduce(1, *) }
    }

    let kernel: String
    let file: String
    let params: [String: Parameter]
    let tensors: [TensorPlace]

    /// A number or a word.
    enum Parameter: Decodable, Sendable {
        case number(Int)
        case word(String)

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let number = try? container.decode(Int.self) {
                self = .number(number)
            } else {
                self = .word(try container.decode(String.self))
            }
        }
    }

    var testDescription: String { file }

    static func all(_ kernel: String) throws -> [GoldenKernel] {
        struct List: Decodable { let cases: [GoldenKernel] }
        let list = try JSONDecoder().decode(List.self, from: fixture("kernels.json"))
        return list.cases.filter { $0.kernel == kernel }
    }

    func number(_ name: String) throws -> Int {
        guard case .number(let value) = try #require(params[name]) else { throw CocoaError(.coderInvalidValue) }
        return value
    }

    func word(_ name: String) throws -> String {
        guard case .word(let value) = try #require(params[name]) else { throw CocoaError(.coderInvalidValue) }
        return value
    }

    func bytes(_ name: String) throws -> [UInt8] {
        let place = try #require(tensors.first { $0.name == name })
        return [UInt8](try fixture(file)[place.offset..<place.offset + place.count])
    }

    func signedBytes(_ name: String) throws -> [Int8] {
        try bytes(name).map { Int8(bitPattern: $0) }
    }

    func words(_ name: String) throws -> [Int32] {
        let place = try #require(tensors.first { $0.name == name })
        let data = [UInt8](try fixture(file)[place.offset..<place.offset + 4 * place.count])
        return (0..<place.count).map { littleEndianWord(data, at: 4 * $0) }
    }
}

func fixture(_ path: String) throws -> Data {
    let folder = try #require(Bundle.module.url(forResource: "Fixtures", withExtension: nil))
    return try Data(contentsOf: folder.appending(path: path))
}

func littleEndianWord(_ bytes: [UInt8], at offset: Int) -> Int32 {
    (0..<4).reduce(0) { $0 | Int32(bitPattern: UInt32(bytes[offset + $1]) << (8 * $1)) }
}
