import Foundation
import Testing

/// A file of `Fixtures/`.
func fixture(_ path: String) throws -> Data {
    let folder = try #require(Bundle.module.url(forResource: "Fixtures", withExtension: nil))
    return try Data(contentsOf: folder.appending(path: path))
}
