// swift-tools-version: 6.2
import PackageDescription

// Programs that measure blip: a separate package, so that nothing here slows down the product's
// build.
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
    .executableTarget(
      name: "made-index",
      dependencies: [
        .product(name: "Retrieval", package: "blip"), .product(name: "BLIP", package: "blip"),
      ]),
    .executableTarget(
      name: "precision",
      dependencies: [
        .product(name: "Retrieval", package: "blip"), .product(name: "BLIP", package: "blip"),
      ]),
    .executableTarget(
      name: "speed", dependencies: ["BenchmarkSupport", .product(name: "BLIP", package: "blip")]),
    .executableTarget(
      name: "captions",
      dependencies: ["BenchmarkSupport", .product(name: "BLIP", package: "blip")]),
    .executableTarget(
      name: "vectors",
      dependencies: [
        "BenchmarkSupport", .product(name: "VectorIndex", package: "blip"),
        .product(name: "Retrieval", package: "blip"),
      ]),
    .executableTarget(
      name: "training",
      dependencies: [
        "BenchmarkSupport", .product(name: "Training", package: "blip"),
        .product(name: "BLIP", package: "blip"),
      ]),
  ],
  swiftLanguageModes: [.v6]
)
