// swift-tools-version: 6.2
import PackageDescription

// Who may import whom stands in docs/architecture.md; the lists below are the same table, checked by the compiler.

func package(_ product: String, _ package: String) -> Target.Dependency { .product(name: product, package: package) }

let argumentParser = package("ArgumentParser", "swift-argument-parser")
let asyncHTTPClient = package("AsyncHTTPClient", "async-http-client")
let configuration = package("Configuration", "swift-configuration")
let crypto = package("Crypto", "swift-crypto")
let grdb = package("GRDB", "GRDB.swift")
/// SQLite's C interface, for what GRDB has no words for: a backup in steps.
let sqlite = package("GRDBSQLite", "GRDB.swift")
let hummingbird = package("Hummingbird", "hummingbird")
let httpTypes = package("HTTPTypes", "swift-http-types")
let hummingbirdCore = package("HummingbirdCore", "hummingbird")
let nioCore = package("NIOCore", "swift-nio")
let nioSSL = package("NIOSSL", "swift-nio-ssl")
let nioPosix = package("NIOPosix", "swift-nio")
let nioHTTP = package("NIOHTTP1", "swift-nio")
let lifecycle = package("ServiceLifecycle", "swift-service-lifecycle")
let logging = package("Logging", "swift-log")
let metrics = package("CoreMetrics", "swift-metrics")
let protobuf = package("SwiftProtobuf", "swift-protobuf")
let yams = package("Yams", "Yams")

func library(_ name: String, _ dependencies: [Target.Dependency] = [], strictMemory: Bool = false) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strictMemory ? [.strictMemorySafety()] : [])
}

/// An executable of the loop: folder, product and compose name are `name`; the target is `<Name>App`.
func service(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    let target = name.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined() + "App"
    return .executableTarget(
        name: target,
        dependencies: [
            "Bus", "Events", "Membership", "ServiceKit", "Storage", argumentParser, lifecycle, logging, metrics,
        ]
            + dependencies,
        path: "services/\(name)"
    )
}

func tests(_ module: String, _ dependencies: [Target.Dependency] = [], fixtures: Bool = false) -> Target {
    .testTarget(
        name: "\(module)Tests",
        dependencies: (module == "Loop" || module == "Contract" ? [] : [.byName(name: module)]) + dependencies,
        resources: fixtures ? [.copy("Fixtures")] : []
    )
}

let domain: [Target.Dependency] = ["KnownPipelines", "ModelGraph", "ModelContainer", "Pipelines"]

let libraries: [Target] = [
    library("HVX"),
    // Kernels are optimized in debug builds too: unoptimized intrinsics are hundreds of times slower.
    .target(name: "CKernels", cSettings: [.unsafeFlags(["-O3"])]),
    library("Quantization"),
    library("Kernels", ["CKernels", "HVX", "Quantization"], strictMemory: true),
    library("Conformance", ["Kernels", "Quantization"]),
    // The C part of its programs is in the library as bytes.
    .target(
        name: "HexagonCode",
        dependencies: ["Inference", "Kernels", "Quantization"],
        resources: [.embedInCode("Runtime")]
    ),
    // As the kernels: without optimization the interpreter would be hundreds of times slower.
    .target(name: "CFloat", cSettings: [.unsafeFlags(["-O3"])]),
    library("ModelGraph", ["CFloat"], strictMemory: true),
    library("ModelContainer", ["ModelGraph", "Quantization", crypto], strictMemory: true),
    .target(
        name: "ModelImport",
        dependencies: ["ModelGraph", "Quantization", protobuf],
        exclude: ["ONNX/onnx-ml.proto"]
    ),
    library("Inference", ["ModelContainer", "ModelGraph", "Kernels", "Quantization"], strictMemory: true),
    library("ModelConversion", ["Inference", "ModelContainer", "ModelGraph", "ModelImport", "Quantization"]),
    .systemLibrary(
        name: "COpenBLAS",
        pkgConfig: "openblas",
        providers: [.apt(["libopenblas-dev"]), .brew(["openblas"])]
    ),
    library("Training", ["COpenBLAS", "ModelGraph"]),
    library("Decay"),
    library("Pipelines", [yams]),
    library("Events"),
    library("Monitoring", ["Decay", "Events", "Pipelines"]),
    .target(name: "CChecksum"),
    .target(name: "CFaultyDisk"),
    .systemLibrary(name: "CZeroMQ", pkgConfig: "libzmq", providers: [.apt(["libzmq3-dev"]), .brew(["zeromq"])]),
    library("ZeroMQ", ["CZeroMQ"], strictMemory: true),
    library("Bus", ["CChecksum", "Events", "ZeroMQ", logging]),
    library("BusSimulation", ["Bus", "Events"]),
    library("Storage", ["Events", grdb, crypto]),
    library("ServiceKit", [argumentParser, configuration, lifecycle, logging, metrics]),
    library("KnownPipelines", ["Events", "Membership", "Pipelines", "Storage", grdb]),
    library("Membership", ["Bus", "Events", "ServiceKit", "Storage", lifecycle, logging, metrics]),
]

let services: [Target] = [
    service("bus", ["ZeroMQ", grdb, sqlite]),
    service("trainer", domain + ["Training", "ZeroMQ", grdb]),
    service("converter", domain + ["Inference", "ModelImport", "Quantization", "ZeroMQ", grdb]),
    service("registry", domain + ["Inference", "ZeroMQ", grdb]),
    service("inference-node", domain + ["Inference", "Kernels", "ZeroMQ", grdb]),
    service("monitor", ["Decay", "KnownPipelines", "Monitoring", "Pipelines", grdb]),
    service(
        "alert",
        ["KnownPipelines", "Pipelines", asyncHTTPClient, crypto, grdb, nioCore, nioHTTP, nioPosix, nioSSL, yams]
    ),
    service(
        "gateway",
        ["KnownPipelines", "Pipelines", hummingbird, hummingbirdCore, httpTypes, grdb, nioCore, nioPosix]
    ),
    service(
        "hexloop",
        domain + [
            "BusSimulation", "Conformance", "Decay", "HVX", "HexagonCode", "Inference", "Kernels", "ModelConversion",
            "ModelImport", "Quantization", "Training", "ZeroMQ", grdb,
        ]
    ),
]

let testTargets: [Target] = [
    .target(name: "ChildProcesses", path: "Tests/ChildProcesses"),
    .target(name: "HexagonTools", dependencies: ["ChildProcesses"], path: "Tests/HexagonTools"),
    .target(
        name: "WholeLoop",
        dependencies: ["ChildProcesses", "Bus", "Events", "ZeroMQ", logging],
        path: "Tests/WholeLoop"
    ),
    .target(name: "ForeignModels", path: "Tests/ForeignModels"),
    .testTarget(name: "StructureTests"),
    tests("HVX", ["HexagonTools", "HexloopApp", "Storage"], fixtures: true),
    tests("Quantization"),
    tests("Kernels", ["Conformance", "HVX", "Quantization"], fixtures: true),
    tests(
        "HexagonCode",
        [
            "ChildProcesses", "HexagonTools", "HexloopApp", "Inference", "Kernels", "ModelContainer", "ModelGraph",
            "Quantization",
        ]
    ),
    tests("ModelGraph"),
    .testTarget(name: "NEONTests", dependencies: ["ChildProcesses"], exclude: ["check.sh", "neon_check.c"]),
    .testTarget(
        name: "ModelCommandTests",
        dependencies: ["HexloopApp", "ChildProcesses", "Inference", "ModelContainer", "ModelGraph", "ModelImport"]
    ),
    tests("ModelContainer", ["ModelGraph", "Quantization", crypto]),
    tests("ModelImport", ["ModelContainer", "ModelGraph", "Quantization", protobuf], fixtures: true),
    tests("ModelConversion", ["Inference", "ModelContainer", "ModelGraph", "ModelImport", "Quantization"]),
    .target(name: "CAllocations", path: "Tests/CAllocations"),
    tests(
        "Inference",
        ["CAllocations", "ModelContainer", "ModelGraph", "Quantization", "Kernels"],
        fixtures: true
    ),
    tests("Training", ["ModelGraph"]),
    tests("Decay", ["HexloopApp"], fixtures: true),
    tests("Pipelines"),
    tests("Monitoring", ["Decay", "Events", "Pipelines"]),
    .testTarget(
        name: "MonitorTests",
        dependencies: [
            "MonitorApp", "Bus", "ChildProcesses", "Decay", "Events", "KnownPipelines", "Monitoring", "Pipelines",
            "Storage",
            grdb,
            logging,
        ]
    ),
    tests("Events"),
    tests("ZeroMQ", ["CZeroMQ"]),
    tests("Bus", ["BusSimulation", "CChecksum", "Events", "ZeroMQ", logging]),
    tests("Storage", ["Events", grdb]),
    tests("ServiceKit", [argumentParser, configuration, lifecycle, metrics, logging]),
    tests("Membership", ["ChildProcesses", "Bus", "Events", "Storage", "ServiceKit", "ZeroMQ", grdb, logging]),
    .testTarget(name: "EventLogTests", dependencies: ["BusApp", "Bus", "Events", "ZeroMQ", grdb, logging]),
    .testTarget(
        name: "AccessTests",
        dependencies: ["ChildProcesses", "Bus", "Events", "Membership", "ZeroMQ", logging]
    ),
    .testTarget(
        name: "ConverterTests",
        dependencies: [
            "ConverterApp", "ForeignModels", "Events", "Inference", "ModelContainer", "ModelGraph", "ModelImport",
            "Pipelines",
        ]
    ),
    .testTarget(
        name: "AlertTests",
        dependencies: ["AlertApp", "ChildProcesses", "Events", "Pipelines", "Storage", crypto, grdb],
        exclude: ["mail_server.py"]
    ),
    .testTarget(name: "TrainerTests", dependencies: ["TrainerApp", "Events", "Pipelines"]),
    .testTarget(name: "InferenceNodeTests", dependencies: ["InferenceNodeApp", "Events", "Kernels"]),
    .testTarget(name: "GatewayTests", dependencies: ["GatewayApp", "Bus", "Events", "Pipelines", httpTypes]),
    .testTarget(
        name: "ArtifactTests",
        dependencies: ["ChildProcesses", "Bus", "Membership", "Storage", "ZeroMQ"]
    ),
    tests(
        "Loop",
        [
            "ChildProcesses", "ForeignModels", "WholeLoop", "Bus", "Events", "Membership", "ModelImport", "ServiceKit",
            "Storage", "ZeroMQ", logging,
        ]
    ),
    .testTarget(
        name: "ContractTests",
        dependencies: ["ChildProcesses", "WholeLoop", "Bus", "Events", "ZeroMQ"],
        exclude: ["validate.py"]
    ),
]

let package = Package(
    name: "hexloop",
    platforms: [.macOS(.v15)],
    products: services.compactMap { target in
        target.path.map { .executable(name: String($0.dropFirst("services/".count)), targets: [target.name]) }
    } + [.library(name: "FaultyDisk", type: .dynamic, targets: ["CFaultyDisk"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: ["YAML"]),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: libraries + services + testTargets,
    swiftLanguageModes: [.v6]
)

for target in package.targets
where target.type != .system
    && !["CAllocations", "CChecksum", "CFaultyDisk", "CFloat", "CKernels"].contains(target.name)
{
    target.swiftSettings =
        (target.swiftSettings ?? []) + [
            .enableUpcomingFeature("ExistentialAny"),
            .enableUpcomingFeature("MemberImportVisibility"),
            .enableUpcomingFeature("InternalImportsByDefault"),
            .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
            .treatAllWarnings(as: .error),
        ]
}
