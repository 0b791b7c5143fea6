import ModelGraph

/// Functions of one value that files write as products of it.
extension Rewrite {
    /// `x * clip(x + 3, 0, 6) / 6`, and `x` times its hard sigmoid, are one function.
    mutating func findHardSwish() {
        var count = 0
        for index in indices {
            guard let node = nodes[index], case .arithmetic(let product) = node.operation, product.kind == .multiply,
                product.constant == nil, product.activation == .none, node.inputs.count == 2
            else { continue }
            for (x, gate) in [(node.inputs[0], node.inputs[1]), (node.inputs[1], node.inputs[0])] where x != gate {
                if isGate(gate, of: x) {
                    var swish = node
                    swish.operation = .function(.hardSwish)
                    swish.inputs = [x]
                    replace(index, with: swish)
                    count += 1
                    break
                }
                // Or the sixth comes last.
                guard isShiftedClip(gate, of: x), let next = soleReader(of: node.output), let reader = nodes[next],
                    isScale(reader, 1 / 6)
                else { continue }
                var swish = reader
                swish.operation = .function(.hardSwish)
                swish.inputs = [x]
                replace(next, with: swish)
                count += 1
                break
            }
        }
        note("hard swishes found", count)
    }

    /// `x` times its sigmoid is one function, and so is `x * (1 + erf(x / √2)) / 2`, wherever the half stands.
    mutating func findGates() {
        var (swishes, gelus) = (0, 0)
        for index in indices {
            guard let node = nodes[index], case .arithmetic(let product) = node.operation, product.kind == .multiply,
                product.constant == nil, product.activation == .none, node.inputs.count == 2
            else { continue }
            for (first, gate) in [(node.inputs[0], node.inputs[1]), (node.inputs[1], node.inputs[0])]
            where first != gate {
                guard soleReader(of: gate) == index, let gateNode = maker(of: gate).flatMap({ nodes[$0] }) else {
                    continue
                }
                if gateNode.operation == .function(.sigmoid), gateNode.inputs == [first] {
                    replaceBy(.swish, of: first, index)
                    swishes += 1
                    break
                }
                guard let x = errorFunction(gate) else { continue }
                if let half = maker(of: first).flatMap({ nodes[$0] }), isScale(half, 0.5), half.inputs == [x],
                    encodings[first] == nil
                {
                    replaceBy(.gelu, of: x, index)
                } else if first == x, let next = soleReader(of: node.output), let half = nodes[next], isScale(half, 0.5)
                {
                    replaceBy(.gelu, of: x, next)
                } else {
                    continue
                }
                gelus += 1
                break
            }
        }
        note("swishes found", swishes)
        note("GELUs found", gelus)
    }

    private mutating func replaceBy(_ function: Function, of x: String, _ index: Int) {
        guard var node = nodes[index] else { return }
        node.operation = .function(function)
        node.inputs = [x]
        replace(index, with: node)
    }

    /// What `x` is when a value is `1 + erf(x / √2)`.
    private func errorFunction(_ value: String) -> String? {
        guard let sum = maker(of: value).flatMap({ nodes[$0] }), number(sum, .add) == 1,
            let erfValue = sum.inputs.first,
            soleReader(of: erfValue) != nil, let erf = maker(of: erfValue).flatMap({ nodes[$0] }),
            erf.operation == .function(.erf), let scaled = erf.inputs.first, soleReader(of: scaled) != nil,
            let scale = maker(of: scaled).flatMap({ nodes[$0] }), isScale(scale, 0.70710678)
        else { return nil }
        return scale.inputs.first
    }

    private func number(_ node: Node, _ kind: Arithmetic.Kind) -> Float? {
        guard case .arithmetic(let arithmetic) = node.operation, arithmetic.kind == kind,
            arithmetic.activation == .none,
            let name = arithmetic.constant, let floats = floats(name), floats.count == 1
        else { return nil }
        return floats[0]
    }

    private func isScale(_ node: Node, _ factor: Float) -> Bool {
        number(node, .multiply).map { ($0 - factor).magnitude < 1e-6 } ?? false
    }

    /// `clip(x + 3, 0, 6)`
    private func isShiftedClip(_ value: String, of x: String) -> Bool {
        guard let place = maker(of: value), soleReader(of: value) != nil, let clip = nodes[place],
            clip.operation == .function(.relu6) || clip.operation == .function(.clip(low: 0, high: 6)),
            let sum = maker(of: clip.inputs[0]).flatMap({ nodes[$0] }), soleReader(of: sum.output) != nil
        else { return false }
        return number(sum, .add) == 3 && sum.inputs == [x]
    }

    /// `clip(x + 3, 0, 6) / 6`, or the hard sigmoid that is the same.
    private func isGate(_ value: String, of x: String) -> Bool {
        guard let place = maker(of: value), soleReader(of: value) != nil, let node = nodes[place] else { return false }
        if case .function(.hardSigmoid(let slope, let offset)) = node.operation {
            return node.inputs == [x] && (slope - 1 / 6).magnitude < 1e-6 && offset == 0.5
        }
        return isScale(node, 1 / 6) && isShiftedClip(node.inputs[0], of: x)
    }
}
