// swift-tools-version: 6.2
import PackageDescription

// Programs that measure blip: a separate package, so that nothing here slows down the product's
// build.

// These read and write the parts of an index, which are no part of the library's public interface:
// they count as targets of the package above, whose name the compiler has from its folder.
let folder = Context.packageDirectory.split(separator: "/").dropLast().last ?? ""
let packageName = String(folder.lowercased().map { $0.isLetter || $0.isNumber ? $0 : "_" })
func insider(_ name: String, _ products: [String]) -> Target {
  .executableTarget(
    name: name,
    dependencies: ["BenchmarkSupport"] + products.map { .product(name: $0, package: "blip") },
    packageAccess: false, swiftSettings: [.unsafeFlags(["-package-name", packageName])])
}

let package = Package(
  name: "Benchmarks",
  dependencies: [.package(name: "blip", path: "..")],
  targets: [
    .target(
      name: "BenchmarkSupport", dependencies: [.product(name: "BLIP", package: "blip")]),
    .executableTarget(name: "end-to-end", dependencies: ["BenchmarkSupport"]),
    .executableTarget(
      name: "load",
      dependencies: ["BenchmarkSupport", .product(name: "Retrieval", package: "blip")]),
    .executableTarget(name: "idle-run", dependencies: ["BenchmarkSupport"]),
    insider("damage", ["Retrieval", "BLIP"]),
    insider("made-index", ["Retrieval", "BLIP"]),
    insider("precision", ["Retrieval", "BLIP"]),
    .executableTarget(
      name: "speed", dependencies: ["BenchmarkSupport", .product(name: "BLIP", package: "blip")]),
    .executableTarget(
      name: "captions",
      dependencies: ["BenchmarkSupport", .product(name: "BLIP", package: "blip")]),
    insider("vectors", ["Retrieval", "VectorIndex"]),
    insider("words", ["Retrieval", "BLIP"]),
    .executableTarget(
      name: "training",
      dependencies: [
        "BenchmarkSupport", .product(name: "Training", package: "blip"),
        .product(name: "BLIP", package: "blip"),
      ]),
  ],
  swiftLanguageModes: [.v6]
)
