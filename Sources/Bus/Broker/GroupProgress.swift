/// Which jobs of the log a group has done: everything up to a floor, and some above it.
///
/// Each step costs the same however many jobs are open, and a note to the log names only what is new.
struct GroupProgress: Sendable {
    /// A floor that moved that far over records that are no jobs is worth a note of its own.
    private static let idleStride: UInt64 = 10_000

    /// Jobs in the order in which they came; those before `first` are behind the floor.
    private var order: [UInt64] = []
    private var first = 0
    /// Jobs above the floor that are done.
    private var done: Set<UInt64>
    /// Open jobs that failed, in this broker or one before it.
    var failures: [UInt64: JobFailure]
    private var settled: UInt64
    private var notedFloor: UInt64
    private var newlyDone: [UInt64] = []

    init(floor: UInt64, done: [UInt64] = [], failures: [JobFailure] = []) {
        settled = floor
        notedFloor = floor
        self.done = Set(done)
        self.failures = Dictionary(failures.map { ($0.sequence, $0) }) { _, later in later }
    }

    /// A job has come up. False when it is done already.
    mutating func open(_ id: UInt64) -> Bool {
        order.append(id)
        return !done.contains(id)
    }

    mutating func end(_ id: UInt64) {
        failures[id] = nil
        done.insert(id)
        newlyDone.append(id)
    }

    /// Jobs that are not done come up again.
    mutating func forgetOpen() {
        _ = floor(readTo: 0, isAllRead: false)
        (order, first) = ([], 0)
    }

    /// Everything up to here is done, when the log was read up to `position`.
    mutating func floor(readTo position: UInt64, isAllRead: Bool = true) -> UInt64 {
        while first < order.count, done.remove(order[first]) != nil {
            settled = max(settled, order[first])
            first += 1
        }
        if first == order.count {
            (order, first) = ([], 0)
            if isAllRead { settled = max(settled, position) }
        } else {
            if isAllRead { settled = max(settled, order[first] - 1) }
            if first >= 1024, first > order.count / 2 {
                order.removeFirst(first)
                first = 0
            }
        }
        return settled
    }

    /// As ``floor(readTo:isAllRead:)`` without looking at what was done since the last call.
    func floorSoFar(readTo position: UInt64) -> UInt64 {
        max(settled, first == order.count ? position : order[first] - 1)
    }

    func doneAbove(_ floor: UInt64) -> [UInt64] { done.filter { $0 > floor }.sorted() }

    /// What is new since the last note.
    mutating func takeNote(readTo position: UInt64) -> GroupNote? {
        let floor = floor(readTo: position)
        let new = newlyDone.filter { $0 > floor }
        let hasEnded = !newlyDone.isEmpty
        newlyDone = []
        guard hasEnded && (floor > notedFloor || !new.isEmpty) || floor > notedFloor + Self.idleStride else {
            return nil
        }
        notedFloor = floor
        return .progressed(floor: floor, done: new)
    }
}
