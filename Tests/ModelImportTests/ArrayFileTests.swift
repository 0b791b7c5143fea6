import ModelImport
import Testing

@Suite("Arrays in files")
struct ArrayFileTests {
    /// What `numpy.save` writes for `numpy.array([[1, 2, 3], [4, 5, 6]], "float32")`.
    private static let numpyHeader =
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"

    private static func npy(_ header: String, version: UInt8 = 1, data: [UInt8]) -> [UInt8] {
        let start = version == 1 ? 10 : 12
        let count = (start + header.utf8.count + 1 + 63) / 64 * 64 - start
        let text = Array((header + String(repeating: " ", count: count - header.utf8.count - 1) + "\n").utf8)
        let length: [UInt8] =
            version == 1
            ? [UInt8(count & 0xFF), UInt8(count >> 8)] : [UInt8(count & 0xFF), UInt8(count >> 8), 0, 0]
        return [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, version, 0] + length + text + data
    }

    @Test("A file of NumPy is read, whatever its version", arguments: [1, 2, 3] as [UInt8])
    func numpy(version: UInt8) throws {
        let data = ArrayFile(floats: [1, 2, 3, 4, 5, -6.5], shape: [6]).bytes
        let contents = Self.npy(Self.numpyHeader, version: version, data: data)
        #expect(contents.count % 64 == data.count % 64)
        let array = try ArrayFile(npy: contents)
        #expect(array.shape == [2, 3])
        #expect(array.element == .float32)
        #expect(array.floats == [1, 2, 3, 4, 5, -6.5])
    }

    @Test("What is written is what NumPy writes")
    func writing() throws {
        let data = ArrayFile(floats: [1, 2, 3, 4, 5, 6], shape: [2, 3])
        #expect(data.contents(.npy) == Self.npy(Self.numpyHeader, data: data.bytes))
        #expect(data.contents(.raw) == data.bytes)
        for shape in [[], [5], [1, 5], [5, 1, 1]] {
            let count = shape.reduce(1, *)
            let array = ArrayFile(element: .uint8, shape: shape, bytes: [UInt8](0..<UInt8(count)))
            let read = try ArrayFile(npy: array.contents(.npy))
            #expect(read.shape == shape)
            #expect(read.bytes == array.bytes)
            #expect(read.element == .uint8)
        }
    }

    @Test("Any cut of a file is refused, and so is anything behind it")
    func cuts() throws {
        let contents = Self.npy(Self.numpyHeader, data: [UInt8](repeating: 0, count: 24))
        _ = try ArrayFile(npy: contents)
        for count in 0..<contents.count {
            #expect(throws: ArrayFileError.self) { try ArrayFile(npy: Array(contents.prefix(count))) }
        }
        #expect(throws: ArrayFileError.self) { try ArrayFile(npy: contents + [0]) }
    }

    @Test(
        "Headers that cannot be taken are named",
        arguments: [
            ("{'descr': '<c8', 'fortran_order': False, 'shape': (3,), }", "its elements are '<c8'"),
            ("{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2), }", "Fortran's order"),
            ("{'descr': '<f4', 'shape': (3, 2), }", "malformed"), ("{'descr': '<f4'", "malformed"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (3, x), }", "malformed"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (-3,), }", "malformed"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }", "too large"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (7,), }", "takes 28 bytes and 24 follow"),
        ]
    )
    func headers(header: String, reason: String) throws {
        let error = #expect(throws: ArrayFileError.self) {
            try ArrayFile(npy: Self.npy(header, data: [UInt8](repeating: 0, count: 24)))
        }
        #expect(error?.description.contains(reason) ?? false, "\(String(describing: error))")
    }

    @Test(
        "Other numbers become float32",
        arguments: [
            ("<f8", [0, 0, 0, 0, 0, 0, 0xF8, 0x3F, 0, 0, 0, 0, 0, 0, 0, 0xC0], [1.5, -2]),
            ("<i8", [7, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255], [7, -1]),
            ("<i4", [7, 0, 0, 0, 255, 255, 255, 255], [7, -1]),
        ] as [(String, [UInt8], [Float])]
    )
    func numbers(description: String, data: [UInt8], expected: [Float]) throws {
        let header = "{'descr': '\(description)', 'fortran_order': False, 'shape': (2,), }"
        let array = try ArrayFile(npy: Self.npy(header, data: data))
        #expect(array.floats == expected && array.element == .float32 && array.shape == [2])
    }

    @Test("Bare floats must be whole")
    func bare() throws {
        #expect(throws: ArrayFileError.self) { try ArrayFile(raw: [1, 2, 3], element: .float32) }
        #expect(try ArrayFile(raw: [1, 2, 3], element: .uint8).floats == [1, 2, 3])
        #expect(try ArrayFile(raw: [0, 0, 128, 63], element: .float32).floats == [1])
    }
}
