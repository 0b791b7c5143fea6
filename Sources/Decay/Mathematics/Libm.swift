#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The functions of the C library that this module uses. Everything above them is written here.
///
/// Answers that depend on their last bit are compared with a tolerance, never for equality.
enum Libm {
    #if canImport(Glibc)
    @inline(__always) static func exp(_ x: Double) -> Double { Glibc.exp(x) }
    @inline(__always) static func expm1(_ x: Double) -> Double { Glibc.expm1(x) }
    @inline(__always) static func log(_ x: Double) -> Double { Glibc.log(x) }
    @inline(__always) static func log1p(_ x: Double) -> Double { Glibc.log1p(x) }
    @inline(__always) static func log2(_ x: Double) -> Double { Glibc.log2(x) }
    @inline(__always) static func pow(_ x: Double, _ y: Double) -> Double { Glibc.pow(x, y) }
    @inline(__always) static func cosh(_ x: Double) -> Double { Glibc.cosh(x) }
    @inline(__always) static func erfc(_ x: Double) -> Double { Glibc.erfc(x) }
    @inline(__always) static func sin(_ x: Double) -> Double { Glibc.sin(x) }
    @inline(__always) static func cos(_ x: Double) -> Double { Glibc.cos(x) }
    #elseif canImport(Musl)
    @inline(__always) static func exp(_ x: Double) -> Double { Musl.exp(x) }
    @inline(__always) static func expm1(_ x: Double) -> Double { Musl.expm1(x) }
    @inline(__always) static func log(_ x: Double) -> Double { Musl.log(x) }
    @inline(__always) static func log1p(_ x: Double) -> Double { Musl.log1p(x) }
    @inline(__always) static func log2(_ x: Double) -> Double { Musl.log2(x) }
    @inline(__always) static func pow(_ x: Double, _ y: Double) -> Double { Musl.pow(x, y) }
    @inline(__always) static func cosh(_ x: Double) -> Double { Musl.cosh(x) }
    @inline(__always) static func erfc(_ x: Double) -> Double { Musl.erfc(x) }
    @inline(__always) static func sin(_ x: Double) -> Double { Musl.sin(x) }
    @inline(__always) static func cos(_ x: Double) -> Double { Musl.cos(x) }
    #else
    @inline(__always) static func exp(_ x: Double) -> Double { Darwin.exp(x) }
    @inline(__always) static func expm1(_ x: Double) -> Double { Darwin.expm1(x) }
    @inline(__always) static func log(_ x: Double) -> Double { Darwin.log(x) }
    @inline(__always) static func log1p(_ x: Double) -> Double { Darwin.log1p(x) }
    @inline(__always) static func log2(_ x: Double) -> Double { Darwin.log2(x) }
    @inline(__always) static func pow(_ x: Double, _ y: Double) -> Double { Darwin.pow(x, y) }
    @inline(__always) static func cosh(_ x: Double) -> Double { Darwin.cosh(x) }
    @inline(__always) static func erfc(_ x: Double) -> Double { Darwin.erfc(x) }
    @inline(__always) static func sin(_ x: Double) -> Double { Darwin.sin(x) }
    @inline(__always) static func cos(_ x: Double) -> Double { Darwin.cos(x) }
    #endif
}
