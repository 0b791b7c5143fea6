import Bus
public import Events

extension Member {
    /// Answers the questions of a kind as a member of a work group, one after the other, until the task is cancelled.
    ///
    /// - Parameters:
    ///   - group: The work group; one of its members gets each question.
    ///   - credit: Questions that may wait here.
    ///   - answer: Gives the answer's bytes. An `EventError` is the refusal that the asker gets.
    public func answer<Question: Event>(
        _ kind: Question.Type,
        group: String,
        credit: Int,
        _ answer: (_ question: Question, _ source: String) async throws -> [UInt8]
    ) async throws {
        let (id, jobs) = bus.join(JoinRequest(group: group, filters: [try kind.kind.filter], credit: credit))
        defer { bus.leave(id) }
        while true {
            let batch = await jobs.next(max: credit)
            if batch.isEmpty { return }
            for job in batch {
                do {
                    let event = try job.record.event()
                    bus.finish(id, job.token, result: try await answer(try event.decode(kind), event.source))
                } catch {
                    let code = (error as? EventError)?.code ?? .failed
                    bus.fail(id, job.token, Refusal(code, "\(error)"))
                }
            }
        }
    }
}
