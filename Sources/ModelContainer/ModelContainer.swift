import Crypto
public import ModelGraph

/// A model or a data set in one file (`.hxm`): a manifest and named tensors.
///
/// The SHA-256 of the whole file is its name. The same contents always give the same bytes.
public struct ModelContainer: Sendable {
    /// Everything about the container but its tensors.
    public let manifest: Manifest
    /// The SHA-256 of the whole file, 64 lower-case hexadecimal digits.
    public let digest: String
    /// The names of the tensors, in the order of the file.
    public let tensorNames: [String]

    private let bytes: [UInt8]
    private let dataOffset: Int
    private let entries: [String: ContainerIndex.Entry]

    /// Whether bytes begin as those of every container do; the rest may still be anything.
    public static func isContainer(_ bytes: [UInt8]) -> Bool { bytes.starts(with: ContainerHeader.magic) }

    /// Reads a file and trusts no byte of it.
    ///
    /// After success every tensor lies inside the file and fills its shape; whether the graph of a model fits its
    /// tensors is for ``graph`` to say.
    ///
    /// - Throws: ``ContainerError/truncated(field:neededBytes:actualBytes:)``, ``ContainerError/invalid(field:reason:)``,
    ///   ``ContainerError/unsupportedVersion(_:)``, ``ContainerError/damaged``. None goes away by trying again.
    public init(parsing bytes: [UInt8]) throws(ContainerError) {
        let header = try ContainerHeader(parsing: bytes)
        let indexEnd = ContainerHeader.byteCount + header.indexBytes
        let index = try ContainerIndex(json: bytes[ContainerHeader.byteCount..<indexEnd])
        try index.checkLayout(dataBytes: bytes.count - header.dataOffset)
        try ModelContainer.checkPadding(bytes[indexEnd..<header.dataOffset], after: "index")
        for entry in index.tensors {
            let end = header.dataOffset + entry.offset + entry.byteCount
            try ModelContainer.checkPadding(bytes[end..<ContainerHeader.aligned(end)], after: "tensor '\(entry.name)'")
        }
        manifest = index.manifest
        digest = ModelContainer.digest(of: bytes)
        tensorNames = index.tensors.map(\.name)
        entries = Dictionary(index.tensors.map { ($0.name, $0) }) { first, _ in first }
        dataOffset = header.dataOffset
        self.bytes = bytes
    }

    /// A tensor by its name.
    ///
    /// - Throws: ``ContainerError/missingTensor(_:)``.
    public func tensor(_ name: String) throws(ContainerError) -> Tensor {
        guard let entry = entries[name] else { throw .missingTensor(name) }
        let start = dataOffset + entry.offset
        do {
            return try Tensor(
                shape: entry.shape,
                dataType: entry.type,
                bytes: [UInt8](bytes[start..<start + entry.byteCount])
            )
        } catch {
            throw .graph(error)
        }
    }

    /// The graph of a model with its constants, checked.
    ///
    /// - Throws: ``ContainerError/invalid(field:reason:)`` for a data set, ``ContainerError/missingTensor(_:)``,
    ///   ``ContainerError/graph(_:)``.
    public var graph: Graph {
        get throws(ContainerError) {
            guard manifest.kind != .dataset, let structure = manifest.graph else {
                throw .invalid(field: "manifest.graph", reason: "a \(manifest.kind.rawValue) without a graph")
            }
            var constants: [String: Tensor] = [:]
            for node in structure.nodes {
                for name in node.operation.constants where constants[name] == nil {
                    constants[name] = try tensor(name)
                }
            }
            let graph = Graph(structure: structure, constants: constants)
            do {
                try graph.validate()
            } catch {
                throw .graph(error)
            }
            return graph
        }
    }

    /// The SHA-256 of any bytes, 64 lower-case hexadecimal digits.
    public static func digest(of bytes: [UInt8]) -> String {
        hexadecimal(SHA256.hash(data: bytes))
    }

    private static func checkPadding(_ padding: ArraySlice<UInt8>, after what: String) throws(ContainerError) {
        guard padding.allSatisfy({ $0 == 0 }) else {
            throw .invalid(field: "padding after \(what)", reason: "not 0")
        }
    }
}

/// Two lower-case digits for each byte.
func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".unicodeScalars)
    var text = String.UnicodeScalarView()
    for byte in bytes {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
    }
    return String(text)
}
