/// Memory that belongs to a prepared operator: packed weights, tables and the structs that C reads.
///
/// It is written while the operator is packed and only read afterwards.
// Safety: every address was allocated here, is freed in deinit alone, and is read only by kernels that a prepared operator
// runs, which retains this object. After packing nothing writes, so reading from many threads is safe.
@safe final class KernelMemory: @unchecked Sendable {
    private var blocks: [UnsafeMutableRawPointer] = unsafe []
    /// The bytes allocated.
    private(set) var byteCount = 0

    deinit {
        while let block = unsafe blocks.popLast() { unsafe block.deallocate() }
    }

    /// Bytes that are aligned for vectors, all 0.
    func allocate(_ bytes: Int) -> UnsafeMutableRawPointer {
        let count = max(bytes, 1)
        let block = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: PreparedOperator.alignment)
        unsafe block.initializeMemory(as: UInt8.self, repeating: 0, count: count)
        unsafe blocks.append(block)
        byteCount += count
        return unsafe block
    }

    /// A copy of an array.
    func copy<Element: BitwiseCopyable>(_ elements: [Element]) -> UnsafePointer<Element> {
        let block = unsafe allocate(elements.count * MemoryLayout<Element>.stride)
        let start = unsafe block.bindMemory(to: Element.self, capacity: max(elements.count, 1))
        for (index, element) in elements.enumerated() { unsafe start[index] = element }
        return unsafe UnsafePointer(start)
    }

    /// A copy of a value.
    func copy<Value: BitwiseCopyable>(_ value: Value) -> UnsafePointer<Value> {
        let block = unsafe allocate(MemoryLayout<Value>.stride)
        let start = unsafe block.bindMemory(to: Value.self, capacity: 1)
        unsafe start.pointee = value
        return unsafe UnsafePointer(start)
    }
}
