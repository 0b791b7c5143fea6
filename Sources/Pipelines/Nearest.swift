/// The candidate that `word` was most likely meant to be, or nil when none is near.
///
/// Case and the difference between `_`, `-` and camel case do not count; otherwise at most a third of the letters may
/// differ. Of equally near candidates the first is taken.
func nearest(to word: String, in candidates: [String]) -> String? {
    let plain = normalized(word)
    guard plain.count <= 64 else { return nil }
    var best: String?
    var bestDistance = max(1, plain.count / 3) + 1
    for candidate in candidates {
        let distance = editDistance(plain, normalized(candidate))
        guard distance < bestDistance else { continue }
        bestDistance = distance
        best = candidate
    }
    return best
}

private func normalized(_ word: String) -> [Character] {
    Array(word.lowercased()).filter { $0 != "-" && $0 != "_" && $0 != " " }
}

/// Insertions, deletions, replacements and swaps of neighbours that lead from one word to the other.
private func editDistance(_ left: [Character], _ right: [Character]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for (row, letter) in left.enumerated() {
        var current = [row + 1]
        current.reserveCapacity(right.count + 1)
        for (column, other) in right.enumerated() {
            var cost = min(last[column + 1], current[column]) + 1
            cost = min(cost, last[column] + (letter == other ? 0 : 1))
            if row > 0, column > 0, letter == right[column - 1], left[row - 1] == other {
                cost = min(cost, beforeLast[column - 1] + 1)
            }
            current.append(cost)
        }
        beforeLast = last
        last = current
    }
    return last[right.count]
}
