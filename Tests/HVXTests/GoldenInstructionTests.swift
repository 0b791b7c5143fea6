import Foundation
import HVX
import Testing

@testable import HexloopApp

/// The folder of recorded instructions.
func goldenFolder() throws -> VectorFolder {
    let folder = try #require(Bundle.module.url(forResource: "Fixtures", withExtension: nil))
    return try VectorFolder(reading: folder.path)
}

@Suite("Instructions give the bytes of the emulator", .timeLimit(.minutes(2)))
struct GoldenInstructionTests {
    @Test("Every recorded case of every instruction")
    func everyCase() throws {
        var lines: [String] = []
        let count = try VectorReplay(goldenFolder()).run { lines.append($0) }
        #expect(lines == [])
        #expect(count == VectorReplay.Count(passed: 13_529, failed: 0))
    }

    @Test("The catalogue has each recorded instruction, with its operands and costs, and no other")
    func catalogue() throws {
        struct List: Decodable { let ops: [Costs] }
        struct Costs: Decodable {
            let name: String
            let resource: String
            let slots: String
            let min_hvx_arch: Int
        }
        let folder = try #require(Bundle.module.url(forResource: "Fixtures", withExtension: nil))
        let list = try JSONDecoder().decode(List.self, from: Data(contentsOf: folder.appending(path: "ops.json")))
        #expect(list.ops.count == 401)
        #expect(Set(list.ops.map(\.name)) == Set(Catalogue.operations.map(\.name)))
        #expect(Catalogue.operations.count == 401)
        for recorded in list.ops {
            let operation = try #require(Catalogue.operation(named: recorded.name))
            #expect(operation.resource.rawValue == recorded.resource, "\(recorded.name)")
            #expect("SLOT" + operation.slots.map(String.init).joined() == recorded.slots, "\(recorded.name)")
            #expect(operation.minimumVersion == recorded.min_hvx_arch, "\(recorded.name)")
        }
    }
}
