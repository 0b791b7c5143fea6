// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

/// Bytes of a region by offsets. A region is memory whose first byte stands for an address that is a multiple of 128.
///
/// `mu` is the offset of the last byte of the region, rounded up to the end of an element; what lies beyond is neither
/// read nor written. Offsets are unsigned. In the forms `Ww` halfword 2i+j uses word i of register j of the pair.
///
/// - Precondition: the region has that many bytes.
extension Q6 {
    /// `a.h[i] = region.h at v.uh[i]`
    public static func vgather_ARMVh(_ a: inout Vector, _ region: [UInt8], _ mu: Int32, _ v: Vector) {
        vgather_AQRMVh(&a, all, region, mu, v)
    }

    /// `a.h[i] = region.h at v.uh[i]` in the bytes k for which `q[k]`
    public static func vgather_AQRMVh(
        _ a: inout Vector,
        _ q: Predicate,
        _ region: [UInt8],
        _ mu: Int32,
        _ v: Vector
    ) {
        gather(&a, q, region, mu, size: 2) { Int(v[uh: $0]) }
    }

    /// `a.w[i] = region.w at v.uw[i]`
    public static func vgather_ARMVw(_ a: inout Vector, _ region: [UInt8], _ mu: Int32, _ v: Vector) {
        vgather_AQRMVw(&a, all, region, mu, v)
    }

    /// `a.w[i] = region.w at v.uw[i]` in the bytes k for which `q[k]`
    public static func vgather_AQRMVw(
        _ a: inout Vector,
        _ q: Predicate,
        _ region: [UInt8],
        _ mu: Int32,
        _ v: Vector
    ) {
        gather(&a, q, region, mu, size: 4) { Int(v[uw: $0]) }
    }

    /// `a.h[2i] = region.h at v.low.uw[i], a.h[2i+1] = region.h at v.high.uw[i]`
    public static func vgather_ARMWw(_ a: inout Vector, _ region: [UInt8], _ mu: Int32, _ v: VectorPair) {
        vgather_AQRMWw(&a, all, region, mu, v)
    }

    /// `a.h[2i] = region.h at v.low.uw[i], a.h[2i+1] = region.h at v.high.uw[i]` in the bytes k for which `q[k]`
    public static func vgather_AQRMWw(
        _ a: inout Vector,
        _ q: Predicate,
        _ region: [UInt8],
        _ mu: Int32,
        _ v: VectorPair
    ) {
        gather(&a, q, region, mu, size: 2) { offset(v, $0) }
    }

    /// `region.h at v.uh[i] = w.h[i]`, in the order of i.
    public static func vscatter_RMVhV(_ region: inout [UInt8], _ mu: Int32, _ v: Vector, _ w: Vector) {
        vscatter_QRMVhV(all, &region, mu, v, w)
    }

    /// `region.h at v.uh[i] = w.h[i]` from the bytes k for which `q[k]`, in the order of i.
    public static func vscatter_QRMVhV(
        _ q: Predicate,
        _ region: inout [UInt8],
        _ mu: Int32,
        _ v: Vector,
        _ w: Vector
    ) {
        scatter(q, &region, mu, w, size: 2) { Int(v[uh: $0]) }
    }

    /// `region.w at v.uw[i] = w.w[i]`, in the order of i.
    public static func vscatter_RMVwV(_ region: inout [UInt8], _ mu: Int32, _ v: Vector, _ w: Vector) {
        vscatter_QRMVwV(all, &region, mu, v, w)
    }

    /// `region.w at v.uw[i] = w.w[i]` from the bytes k for which `q[k]`, in the order of i.
    public static func vscatter_QRMVwV(
        _ q: Predicate,
        _ region: inout [UInt8],
        _ mu: Int32,
        _ v: Vector,
        _ w: Vector
    ) {
        scatter(q, &region, mu, w, size: 4) { Int(v[uw: $0]) }
    }

    /// `region.h at v.low.uw[i] = w.h[2i], region.h at v.high.uw[i] = w.h[2i+1]`, in the order of i.
    public static func vscatter_RMWwV(_ region: inout [UInt8], _ mu: Int32, _ v: VectorPair, _ w: Vector) {
        vscatter_QRMWwV(all, &region, mu, v, w)
    }

    /// `region.h at v.low.uw[i] = w.h[2i], region.h at v.high.uw[i] = w.h[2i+1]` from the bytes k for which `q[k]`.
    public static func vscatter_QRMWwV(
        _ q: Predicate,
        _ region: inout [UInt8],
        _ mu: Int32,
        _ v: VectorPair,
        _ w: Vector
    ) {
        scatter(q, &region, mu, w, size: 2) { offset(v, $0) }
    }

    /// `region.h at v.uh[i] += w.h[i]`; the lowest bit of an offset does not count.
    public static func vscatteracc_RMVhV(_ region: inout [UInt8], _ mu: Int32, _ v: Vector, _ w: Vector) {
        add(&region, mu, size: 2, offset: { Int(v[uh: $0]) }, value: { UInt32(w[uh: $0]) })
    }

    /// `region.w at v.uw[i] += w.w[i]`; the lowest two bits of an offset do not count.
    public static func vscatteracc_RMVwV(_ region: inout [UInt8], _ mu: Int32, _ v: Vector, _ w: Vector) {
        add(&region, mu, size: 4, offset: { Int(v[uw: $0]) }, value: { w[uw: $0] })
    }

    /// `region.h at v.low.uw[i] += w.h[2i], region.h at v.high.uw[i] += w.h[2i+1]`; the lowest bit of an offset does not
    /// count.
    public static func vscatteracc_RMWwV(_ region: inout [UInt8], _ mu: Int32, _ v: VectorPair, _ w: Vector) {
        add(&region, mu, size: 2, offset: { offset(v, $0) }, value: { UInt32(w[uh: $0]) })
    }

    private static var all: Predicate { Predicate(bits: .max) }

    /// The offset of a halfword in the forms with a pair.
    private static func offset(_ v: VectorPair, _ half: Int) -> Int {
        Int((half & 1 == 0 ? v.low : v.high)[uw: half >> 1])
    }

    /// The offset of the last byte of a region of elements.
    private static func last(_ mu: Int32, size: Int, of region: [UInt8]) -> Int {
        let last = Int(UInt32(bitPattern: mu)) | (size - 1)
        precondition(last < region.count, "a region of \(region.count) bytes has no byte \(last)")
        return last
    }

    private static func gather(
        _ a: inout Vector,
        _ q: Predicate,
        _ region: [UInt8],
        _ mu: Int32,
        size: Int,
        offset: (Int) -> Int
    ) {
        let last = last(mu, size: size, of: region)
        a = lanes(a) { a, k -> UInt8 in
            let place = offset(k / size) + k % size
            return q[k] && place <= last ? region[place] : a[ub: k]
        }
    }

    private static func scatter(
        _ q: Predicate,
        _ region: inout [UInt8],
        _ mu: Int32,
        _ w: Vector,
        size: Int,
        offset: (Int) -> Int
    ) {
        let last = last(mu, size: size, of: region)
        for k in 0..<Vector.byteCount where q[k] {
            let place = offset(k / size) + k % size
            if place <= last { region[place] = w[ub: k] }
        }
    }

    private static func add(
        _ region: inout [UInt8],
        _ mu: Int32,
        size: Int,
        offset: (Int) -> Int,
        value: (Int) -> UInt32
    ) {
        let last = last(mu, size: size, of: region)
        for element in 0..<Vector.byteCount / size {
            let place = offset(element) & ~(size - 1)
            guard place < last else { continue }
            var sum = value(element)
            for byte in 0..<size { sum &+= UInt32(region[place + byte]) << UInt32(8 * byte) }
            for byte in 0..<size { region[place + byte] = UInt8(truncatingIfNeeded: sum >> UInt32(8 * byte)) }
        }
    }
}
