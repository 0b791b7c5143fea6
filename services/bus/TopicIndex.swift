/// The log's topics in memory: which row each has, and its newest record.
///
/// The newest record of a topic is written into its row when the WAL is written back, not with every commit; what came
/// since is found again from the records when the log is opened.
struct TopicIndex {
    struct Entry {
        let id: Int64
        /// Sequence of the topic's newest record; 0 for none.
        var last: UInt64
    }

    private(set) var entries: [String: Entry] = [:]
    private var names: [Int64: String] = [:]
    /// Topics whose row does not have their newest record yet.
    private(set) var unwritten: Set<String> = []
    /// What the batch under way has changed, as it was before; nil for topics that it brought.
    private var before: [String: Entry?] = [:]

    subscript(name: String) -> Entry? { entries[name] }

    func name(of id: Int64) -> String { names[id] ?? "" }

    /// A topic as the log has it.
    mutating func load(_ name: String, id: Int64, last: UInt64) {
        entries[name] = Entry(id: id, last: last)
        names[id] = name
    }

    /// A topic that the batch under way brings.
    mutating func add(_ name: String, id: Int64) -> Entry {
        before.updateValue(nil, forKey: name)
        load(name, id: id, last: 0)
        return Entry(id: id, last: 0)
    }

    /// The batch under way has a newer record of that topic.
    mutating func advance(_ name: String, to sequence: UInt64) {
        guard let entry = entries[name] else { return }
        if before.index(forKey: name) == nil { before[name] = entry }
        entries[name]?.last = sequence
    }

    /// The batch is on disk.
    mutating func commit() {
        unwritten.formUnion(before.keys)
        before.removeAll(keepingCapacity: true)
    }

    /// Nothing of the batch is.
    mutating func rollBack() {
        for (name, entry) in before {
            if entry == nil, let id = entries[name]?.id { names[id] = nil }
            entries[name] = entry
        }
        before.removeAll(keepingCapacity: true)
    }

    /// The rows have every topic's newest record.
    mutating func written() { unwritten.removeAll() }
}
