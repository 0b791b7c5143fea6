/// Jobs that wait, in the order of their numbers.
///
/// New jobs have higher numbers than all before and go to the end; jobs that come back have lower ones and go near the
/// beginning. So what happens often happens at an end, in constant time, however many wait.
struct JobQueue: Sendable {
    /// Slots before `first` are empty.
    private var slots: [WorkGroup.Job?] = []
    private var first = 0

    var count: Int { slots.count - first }
    var isEmpty: Bool { first == slots.count }
    var front: WorkGroup.Job? { isEmpty ? nil : slots[first] }

    /// Puts a job where its number says.
    mutating func insert(_ job: WorkGroup.Job) {
        guard let last = slots.last ?? nil, last.id > job.id, !isEmpty else {
            slots.append(job)
            return
        }
        var (low, high) = (first, slots.count)
        while low < high {
            let middle = (low + high) / 2
            if (slots[middle]?.id ?? 0) < job.id { low = middle + 1 } else { high = middle }
        }
        guard low - first <= slots.count - low else {
            slots.insert(job, at: low)
            return
        }
        if first == 0 { low += makeRoom() }
        first -= 1
        for index in first..<(low - 1) { slots[index] = slots[index + 1] }
        slots[low - 1] = job
    }

    /// Moves everything back by as many slots as there are jobs.
    private mutating func makeRoom() -> Int {
        let room = max(16, count)
        slots = [WorkGroup.Job?](repeating: nil, count: room) + slots
        first = room
        return room
    }

    mutating func popFirst() -> WorkGroup.Job? {
        guard !isEmpty else { return nil }
        let job = slots[first]
        slots[first] = nil
        first += 1
        if first == slots.count {
            (slots, first) = ([], 0)
        } else if first >= 1024, first > slots.count / 2 {
            slots.removeFirst(first)
            first = 0
        }
        return job
    }

    mutating func popLast() -> WorkGroup.Job? {
        guard !isEmpty else { return nil }
        let job = slots.removeLast()
        if isEmpty { (slots, first) = ([], 0) }
        return job
    }

    mutating func pop(last: Bool) -> WorkGroup.Job? { last ? popLast() : popFirst() }

    /// Takes out all jobs, in order.
    mutating func takeAll() -> [WorkGroup.Job] {
        defer { (slots, first) = ([], 0) }
        return slots[first...].compactMap { $0 }
    }

    mutating func removeAll(where isUnwanted: (WorkGroup.Job) -> Bool) {
        slots = slots[first...].filter { slot in slot.map { !isUnwanted($0) } ?? false }
        first = 0
    }
}
