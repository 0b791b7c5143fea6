/// The part of a program that is the same for every model: C files of this folder, which the compiler puts into the library.
enum HexagonRuntime {
    /// All of it, in an order in which each part knows those before it.
    static var source: String {
        let parts = [
            PackageResources.system_c, PackageResources.registers_c, PackageResources.requantize_c,
            PackageResources.window_c, PackageResources.convolution_c, PackageResources.depthwise_c,
            PackageResources.pool_c, PackageResources.addition_c, PackageResources.table_c,
        ]
        return parts.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n")
    }
}
