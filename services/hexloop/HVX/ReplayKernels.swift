/// What runs the recorded kernels: for each name of `kernels.json` a function that gives the tensors it computed, by their
/// names, as bytes (`s32` little-endian). Every tensor with role `output` is compared with it.
enum ReplayKernels {
    typealias Run = @Sendable (LoadedKernel) throws -> [String: [UInt8]]

    static let runs: [String: Run] = [:]
}
