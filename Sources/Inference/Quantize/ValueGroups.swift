import ModelGraph

/// Values that have one encoding in common, as sets of names.
struct ValueGroups {
    private var parents: [String: String] = [:]

    /// The value that stands for the group of a value.
    func root(of value: String) -> String {
        var value = value
        while let parent = parents[value] { value = parent }
        return value
    }

    /// Whether a value was joined to another that came before it.
    func isJoined(_ value: String) -> Bool { parents[value] != nil }

    /// Makes one group of two; that of the first value stands for both.
    mutating func join(_ first: String, _ second: String) {
        let (a, b) = (root(of: first), root(of: second))
        if a != b { parents[b] = a }
    }
}

extension Operation {
    /// Whether the operation only moves elements, so that what it reads and gives has one encoding.
    var keepsEncoding: Bool {
        switch self {
        case .maxPool, .reshape, .transpose, .slice, .pad, .resize: true
        default: false
        }
    }
}
