public import ModelGraph

extension ModelContainer {
    /// The bytes of a container; the same arguments always give the same bytes.
    ///
    /// - Throws: ``ContainerError/unencodable(_:)`` when a number in the manifest is not finite,
    ///   ``ContainerError/invalid(field:reason:)`` when a name is empty or used twice or the file would be too large.
    public static func encode(
        manifest: Manifest,
        tensors: [(name: String, tensor: Tensor)]
    ) throws(ContainerError) -> [UInt8] {
        var entries: [ContainerIndex.Entry] = []
        var offset = 0
        for (name, tensor) in tensors {
            entries.append(
                ContainerIndex.Entry(
                    name: name,
                    type: tensor.dataType,
                    shape: tensor.shape,
                    offset: offset,
                    byteCount: tensor.bytes.count
                )
            )
            offset = ContainerHeader.aligned(offset + tensor.bytes.count)
        }
        let index = ContainerIndex(manifest: manifest, tensors: entries)
        try index.checkLayout(dataBytes: offset)
        let json = try JSON.encode(index)
        let dataOffset = ContainerHeader.aligned(ContainerHeader.byteCount + json.count)
        guard json.count <= ContainerHeader.indexBytesMax, entries.count <= ContainerIndex.tensorsMax,
            dataOffset + offset <= ContainerHeader.fileBytesMax
        else {
            throw .invalid(field: "file bytes", reason: "\(dataOffset + offset) is too large")
        }
        var file = [UInt8](repeating: 0, count: ContainerHeader.byteCount)
        file.reserveCapacity(dataOffset + offset)
        file += json
        pad(&file)
        for (_, tensor) in tensors {
            file += tensor.bytes
            pad(&file)
        }
        let header = ContainerHeader.encode(contents: file[ContainerHeader.byteCount...], indexBytes: json.count)
        file.replaceSubrange(..<ContainerHeader.byteCount, with: header)
        return file
    }

    /// The bytes of a container with a float model.
    ///
    /// - Throws: what ``encode(manifest:tensors:)`` throws, and ``ContainerError/graph(_:)`` for an invalid graph.
    public static func floatModel(
        graph: Graph,
        features: [Feature],
        task: ModelTask,
        lineage: Lineage?,
        metadata: [String: String] = [:]
    ) throws(ContainerError) -> [UInt8] {
        do {
            try graph.validate()
        } catch {
            throw .graph(error)
        }
        let manifest = Manifest(
            kind: .floatModel,
            task: task,
            graph: graph.structure,
            features: features,
            lineage: lineage,
            metadata: metadata
        )
        return try encode(manifest: manifest, tensors: constants(of: graph))
    }

    /// The bytes of a container with a data set, for instance `inputs` `[N, F]` and `targets` `[N, 1]`.
    ///
    /// - Throws: what ``encode(manifest:tensors:)`` throws.
    public static func dataset(
        tensors: [(String, Tensor)],
        metadata: [String: String]
    ) throws(ContainerError) -> [UInt8] {
        try encode(
            manifest: Manifest(kind: .dataset, metadata: metadata),
            tensors: tensors.map { (name: $0, tensor: $1) }
        )
    }

    /// The constants that the nodes use, in the order of the nodes, each once.
    public static func constants(of graph: Graph) -> [(name: String, tensor: Tensor)] {
        var seen: Set<String> = []
        return graph.nodes.flatMap(\.operation.constants).compactMap { name in
            guard seen.insert(name).inserted, let tensor = graph.constants[name] else { return nil }
            return (name: name, tensor: tensor)
        }
    }

    private static func pad(_ file: inout [UInt8]) {
        file += [UInt8](repeating: 0, count: ContainerHeader.aligned(file.count) - file.count)
    }
}
