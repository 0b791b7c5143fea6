import ZeroMQ

/// A program on the node's own device: asks over REQ, one question at a time.
enum LocalApplication {
    /// The answers' text, in order. Blocks the calling thread.
    static func ask(_ requests: [String], at endpoint: String) throws -> [String] {
        let context = try Context(ioThreads: 1)
        let socket = try Socket(context, .request)
        try socket.connect(endpoint)
        return try requests.map { request in
            while try socket.send([Array(request.utf8)]) != .queued { socket.waitWritable(milliseconds: 100) }
            while true {
                socket.waitReadable(milliseconds: 100)
                guard case .message(let frames) = try socket.receive(), let body = frames.first else { continue }
                return String(decoding: body, as: UTF8.self)
            }
        }
    }
}
