import ModelGraph
import Quantization

/// Makes a graph of values that stand in a file's order.
///
/// A file counts the batch among the dimensions and has its own order of them; the graph has no batch and the channels
/// last. So each value has forms: the same elements in the graph, in one order or another. A form is made when somebody
/// needs it, which is why permutations of a file cost nothing as long as nobody asks for their order.
struct GraphBuilder {
    /// A value of the graph that holds the elements of a value of the file.
    struct Form {
        var name: String
        /// For each dimension of the graph's value the file's dimension, or -1 for one more of a single element. What is
        /// not listed has a single element.
        var axes: [Int]
    }

    private(set) var graph: Graph
    private(set) var encodings: [String: Encoding] = [:]
    private(set) var quantizedConstants: [String: QuantizedConstant] = [:]
    /// See ``ImportedModel/origins``.
    private(set) var origins: [String: [String]] = [:]
    /// Whether inputs with four dimensions are planes with the channels second.
    var isChannelsFirst = false
    /// How inputs of the file stand as integers, where a node says it and not the input itself; by number.
    private(set) var inputEncodings: [Int: TensorEncoding] = [:]
    /// The node of the file that is being imported, and what it writes.
    var current = (node: "", output: "")
    /// Elements of constants that may still be unpacked or computed.
    private var budget: Int
    private var forms: [[Form]] = []
    /// Inputs whose form nobody has asked for: what is known of them, by number.
    private var pending: [Int: TensorInfo] = [:]
    private var nodeNames = Names()
    private var valueNames = Names()
    /// Constants of the graph by what they were made of, so that they are not made twice.
    private var constantNames: [ConstantKey: String] = [:]

    private struct Names {
        var taken: Set<String> = []
        /// The last number that was appended to a name.
        var numbers: [String: Int] = [:]
    }

    /// Longer names of a file are cut.
    private static let nameLengthMax = 200

    private struct ConstantKey: Hashable {
        var tensor: Tensor
        var scales: [Float]
    }

    init(name: String, fileBytes: Int) {
        graph = Graph(name: name, inputs: [], outputs: [], nodes: [], constants: [:])
        budget = ImportLimits.constantElementsMin + ImportLimits.constantElementsPerByte * fileBytes
    }

    // MARK: Limits

    /// Counts elements of constants that are about to be made.
    mutating func spend(_ elements: Int?) throws(Refusal) {
        guard let elements, elements <= budget else {
            throw .fatal(.tooLarge(what: "elements of constants", actual: elements ?? .max, max: budget))
        }
        budget -= elements
    }

    /// Checks the shape of a value before anything is made of it.
    func check(_ shape: [Int]) throws(Refusal) {
        guard let count = SourceTensor.elementCount(shape), count <= Graph.elementsMax else {
            throw .fatal(.tooLarge(what: "elements of '\(current.output)'", actual: .max, max: Graph.elementsMax))
        }
        guard shape.count <= ImportLimits.rankMax else {
            throw .unsupported("it has \(shape.count) dimensions, more than \(ImportLimits.rankMax)")
        }
        guard count > 0 else { throw .unsupported("a result of shape \(shape) has no elements") }
    }

    // MARK: Values

    /// An input of the file; it gets its place in the graph when its first reader says in which order it wants it.
    mutating func input(_ name: String, shape: [Int], type: ElementType, encoding: TensorEncoding?) -> Value {
        forms.append([])
        pending[forms.count - 1] = TensorInfo(
            name: GraphBuilder.fresh(name, in: &valueNames),
            shape: shape,
            dataType: .float32
        )
        return Value(shape, type, .computed(forms.count - 1), encoding: encoding)
    }

    /// Says how an input that nobody has read stands as integers; its graph's value are real numbers from then on.
    mutating func encodeInput(_ value: Value, _ encoding: TensorEncoding) -> Value {
        guard case .computed(let number) = value.content else { return value }
        inputEncodings[number] = encoding
        var result = value
        result.encoding = encoding
        result.type = encoding.type
        return result
    }

    /// The encoding of an input, from the file or from its first reader.
    func inputEncoding(_ value: Value) -> TensorEncoding? {
        guard case .computed(let number) = value.content else { return value.encoding }
        return inputEncodings[number] ?? value.encoding
    }

    /// Whether a value can only be 0 or more.
    func isNonNegative(_ value: Value) -> Bool {
        guard case .computed(let number) = value.content, var name = forms[number].first?.name else { return false }
        for node in graph.nodes.reversed() where node.output == name {
            switch node.operation {
            case .convolution(let convolution): return convolution.activation != .none
            case .fullyConnected(_, _, let activation): return activation != .none
            case .arithmetic(let arithmetic): return arithmetic.activation != .none
            case .softmax, .function(.relu), .function(.relu6), .function(.sigmoid), .function(.hardSigmoid):
                return true
            case .function(.clip(let low, _)): return low ?? -1 >= 0
            case .maxPool, .averagePool, .mean, .reshape, .transpose, .slice, .resize: name = node.inputs[0]
            default: return false
            }
        }
        return false
    }

    /// Whether nobody has read this input so far.
    func isUntouchedInput(_ value: Value) -> Bool {
        guard case .computed(let number) = value.content else { return false }
        return pending[number] != nil
    }

    /// Makes every input that nobody asked for a part of the graph, in the order of `values`.
    mutating func declare(_ values: [Value]) throws(Refusal) {
        for value in values where isUntouchedInput(value) { _ = try name(of: value, as: layout(of: value)) }
    }

    /// The first form of a value, made if there is none.
    mutating func form(of value: Value) throws(Refusal) -> Form {
        guard case .computed(let number) = value.content else { throw .unsupported("its operand is a constant") }
        if forms[number].isEmpty { _ = try name(of: value, as: layout(of: value)) }
        return forms[number][0]
    }

    /// The order in which a value stands, or should stand if it has no form yet, with some dimensions named for certain.
    func layout(of value: Value, with required: [Int] = []) -> [Int] {
        guard case .computed(let number) = value.content else { return GraphBuilder.natural(value.shape) }
        let first = forms[number].first { !$0.axes.contains(-1) } ?? forms[number].first
        var axes = first?.axes.filter { $0 >= 0 } ?? preferred(value.shape)
        axes.insert(contentsOf: required.filter { !axes.contains($0) }, at: 0)
        return axes
    }

    private func preferred(_ shape: [Int]) -> [Int] {
        isChannelsFirst && shape.count == 4 && shape[0] == 1 ? [2, 3, 1] : GraphBuilder.natural(shape)
    }

    /// All dimensions in the file's order, a batch of one left out.
    static func natural(_ shape: [Int]) -> [Int] {
        Array(shape.count > 1 && shape[0] == 1 ? 1..<shape.count : 0..<shape.count)
    }

    /// The name of the graph's value that holds a value in an order, made if there is none.
    ///
    /// - Parameters:
    ///   - layout: All dimensions with more than one element, and any others.
    ///   - isIndex: Whether its elements name rows of a table.
    mutating func name(of value: Value, as layout: [Int], isIndex: Bool = false) throws(Refusal) -> String {
        guard case .computed(let number) = value.content else { throw .unsupported("its operand is a constant") }
        let target = layout.map { value.shape[$0] }
        if let info = pending.removeValue(forKey: number) {
            graph.inputs.append(
                TensorInfo(name: info.name, shape: target, dataType: isIndex ? .int32 : .float32)
            )
            forms[number] = [Form(name: info.name, axes: layout)]
            if let encoding = inputEncoding(value)?.bytes { encodings[info.name] = encoding }
            return info.name
        }
        if let form = forms[number].first(where: { $0.axes == layout }) { return form.name }
        func dimensions(_ axes: [Int]) -> [Int] { axes.map { $0 < 0 ? 1 : value.shape[$0] } }
        func order(_ axes: [Int]) -> [Int] { axes.filter { $0 >= 0 && value.shape[$0] != 1 } }
        let wanted = order(layout)
        let same = forms[number].filter { order($0.axes) == wanted }
        if let form = same.first(where: { dimensions($0.axes) == target }) {
            forms[number].append(Form(name: form.name, axes: layout))
            return form.name
        }
        var form = same.first ?? forms[number][0]
        if same.isEmpty {
            let axes = layout.filter(form.axes.contains)
            let places =
                axes.compactMap { axis in form.axes.firstIndex(of: axis) }
                + form.axes.indices.filter { !axes.contains(form.axes[$0]) }
            form = Form(
                name: emit(.transpose(permutation: places), [form.name], as: form.name + "/transposed"),
                axes: places.map { form.axes[$0] }
            )
            forms[number].append(form)
        }
        if dimensions(form.axes) == target {
            forms[number].append(Form(name: form.name, axes: layout))
            return form.name
        }
        let name = emit(.reshape(shape: target), [form.name], as: form.name + "/reshaped")
        forms[number].append(Form(name: name, axes: layout))
        return name
    }

    /// A new value that a value of the graph holds.
    mutating func computed(_ name: String, axes: [Int], shape: [Int], type: ElementType = .float32) -> Value {
        forms.append([Form(name: name, axes: axes)])
        return Value(shape, type, .computed(forms.count - 1))
    }

    /// The same elements with renamed dimensions.
    ///
    /// - Parameter rename: For each dimension its new number, or nil for one of a single element that is left out.
    mutating func view(_ value: Value, shape: [Int], rename: [Int?]) throws(Refusal) -> Value {
        _ = try form(of: value)
        guard case .computed(let number) = value.content else { throw .unsupported("its operand is a constant") }
        forms.append(
            forms[number].map { form in
                Form(name: form.name, axes: form.axes.map { $0 < 0 ? -1 : rename[$0] ?? -1 })
            }
        )
        var result = Value(shape, value.type, .computed(forms.count - 1))
        result.rounding = value.rounding
        result.encoding = value.encoding
        if let axis = value.encoding?.axis { result.encoding?.axis = rename[axis] ?? nil }
        return result
    }

    // MARK: Parts of the graph

    /// Appends a node and gives the name of what it produces.
    mutating func emit(_ operation: Operation, _ inputs: [String], as output: String? = nil) -> String {
        let name = GraphBuilder.fresh(output ?? current.output, in: &valueNames)
        let node = GraphBuilder.fresh(output ?? current.node, in: &nodeNames)
        graph.nodes.append(Node(name: node, operation: operation, inputs: inputs, output: name))
        if case .reshape = operation, let encoding = encodings[inputs[0]] { encodings[name] = encoding }
        if case .transpose = operation, let encoding = encodings[inputs[0]] { encodings[name] = encoding }
        return name
    }

    /// Puts a constant of real numbers into the graph and gives its name.
    mutating func constant(_ constant: Constant, _ name: String) throws(Refusal) -> String {
        try spend(constant.tensor.elementCount)
        let tensor = Tensor(shape: constant.tensor.shape, floats: constant.tensor.floats)
        let quantized = constant.quantized
        let key = ConstantKey(tensor: tensor, scales: quantized?.scales ?? [])
        if let known = constantNames[key] {
            note(constant.origin, of: known)
            return known
        }
        let name = GraphBuilder.fresh(name, in: &valueNames)
        note(constant.origin, of: name)
        graph.constants[name] = tensor
        quantizedConstants[name] = quantized
        constantNames[key] = name
        return name
    }

    private mutating func note(_ origin: String?, of name: String) {
        guard let origin, !(origins[name]?.contains(origin) ?? false) else { return }
        origins[name, default: []].append(origin)
    }

    /// Says how a value stands as bytes. A value that already stands in another way is passed on under another name.
    mutating func encode(_ value: Value, _ encoding: TensorEncoding) throws(Refusal) -> Value {
        var result = value
        result.encoding = encoding
        result.type = encoding.type
        guard let bytes = encoding.bytes else { return result }
        guard case .computed(let number) = value.content else { return result }
        if isUntouchedInput(value) {
            // Its place in the graph is not known yet; a file's inputs say themselves how they stand.
            _ = try form(of: value)
        }
        if forms[number].contains(where: { encodings[$0.name].map { $0 != bytes } ?? false }) {
            let form = forms[number][0]
            let shape = form.axes.map { $0 < 0 ? 1 : value.shape[$0] }
            let name = emit(.reshape(shape: shape), [form.name])
            encodings[name] = bytes
            forms.append([Form(name: name, axes: form.axes)])
            result.content = .computed(forms.count - 1)
            return result
        }
        for form in forms[number] { encodings[form.name] = bytes }
        return result
    }

    /// Ends the graph.
    ///
    /// - Parameter outputs: Computed values.
    /// - Returns: The form in which each stands.
    mutating func finish(inputs: [Value], outputs: [Value]) throws(Refusal) -> (inputs: [Form], outputs: [Form]) {
        try declare(inputs)
        var given: [Form] = []
        for output in outputs {
            let form = try form(of: output)
            given.append(form)
            if !graph.outputs.contains(form.name) { graph.outputs.append(form.name) }
        }
        var taken: [Form] = []
        for input in inputs { taken.append(try form(of: input)) }
        // The file's order of the inputs, whoever was asked for first.
        let places = Dictionary(taken.enumerated().map { ($1.name, $0) }) { first, _ in first }
        graph.inputs.sort { places[$0.name] ?? 0 < places[$1.name] ?? 0 }
        return (taken, given)
    }

    /// A name that nothing else of its kind has: the given one, or that with a number.
    private static func fresh(_ base: String, in names: inout Names) -> String {
        let base = base.isEmpty ? "value" : String(base.prefix(nameLengthMax))
        var name = base
        while !names.taken.insert(name).inserted {
            names.numbers[base, default: 1] += 1
            name = "\(base).\(names.numbers[base, default: 1])"
        }
        return name
    }
}
