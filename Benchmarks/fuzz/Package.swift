// swift-tools-version: 6.2
import PackageDescription

// Fuzzes the readers of untrusted files with libFuzzer. A separate package, because libFuzzer
// provides the main function and everything is built with its instrumentation (`./run`).
let package = Package(
  name: "Fuzz",
  dependencies: [.package(name: "blip", path: "../..")],
  targets: [
    .executableTarget(
      name: "fuzz",
      dependencies: [
        .product(name: "BLIP", package: "blip"), .product(name: "Retrieval", package: "blip"),
        .product(name: "VectorIndex", package: "blip"),
      ],
      swiftSettings: [.unsafeFlags(["-parse-as-library"])])
  ],
  swiftLanguageModes: [.v6]
)
