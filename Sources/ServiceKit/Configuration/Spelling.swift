/// Finds the word somebody meant.
enum Spelling {
    /// The word that differs least from `word`, if it is similar at all; the first in the alphabet among equals.
    static func closest(to word: String, among candidates: some Sequence<String>) -> String? {
        let limit = max(2, word.count / 3)
        return
            candidates
            .map { (word: $0, distance: distance(word.lowercased(), $0)) }
            .filter { $0.distance <= limit }
            .min { ($0.distance, $0.word) < ($1.distance, $1.word) }?
            .word
    }

    /// The number of characters to insert, delete or replace to turn `a` into `b`.
    static func distance(_ a: String, _ b: String) -> Int {
        let b = Array(b)
        var row = Array(0...b.count)
        for (i, ofA) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, ofB) in b.enumerated() {
                let replaced = diagonal + (ofA == ofB ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, row[j] + 1, diagonal + 1)
            }
        }
        return row[b.count]
    }
}
