
// Appended to Package.swift in a layer of its own: what is left of the package is one program that needs every
// dependency, so they are built once and kept until the manifest changes.
package.products = []
package.targets = [
    .executableTarget(
        name: "Dependencies",
        dependencies: package.targets.flatMap(\.dependencies).reduce(into: [String: Target.Dependency]()) {
            guard case .productItem(let name, _, _, _) = $1 else { return }
            $0[name] = $1
        }.sorted { $0.key < $1.key }.map(\.value),
        path: "dependencies")
]
