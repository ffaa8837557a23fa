// swift-tools-version: 6.2
import PackageDescription

// The floors of the house: a target imports only from targets listed before it.
let strict: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

func room(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource]? = nil)
  -> Target
{
  .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource]? = nil)
  -> Target
{
  .testTarget(
    name: name, dependencies: dependencies + ["TestSupport"], resources: resources,
    swiftSettings: strict)
}

let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let httpClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
func nio(_ product: String) -> Target.Dependency { .product(name: product, package: "swift-nio") }

let package = Package(
  name: "blip",
  products: [
    .executable(name: "blip", targets: ["blip"]),
    .library(name: "BLIP", targets: ["BLIP", "Checkpoints", "Images", "Tensors"]),
    .library(name: "Retrieval", targets: ["Retrieval"]),
    .library(name: "VectorIndex", targets: ["VectorIndex", "Tensors"]),
    .library(name: "Training", targets: ["Training"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
  ],
  targets: [
    // Floor 0: the only C.
    .systemLibrary(name: "CLMDB", pkgConfig: "lmdb", providers: [.apt(["liblmdb-dev"])]),
    // OpenBLAS's header (libopenblas-dev) says how its library is called, which is loaded when needed.
    .target(name: "COpenBLAS"),
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .target(
      name: "CCodecs",
      linkerSettings: ["jpeg", "png16", "webp", "webpdemux", "tiff", "gif", "heif"].map {
        .linkedLibrary($0)
      }),
    .target(name: "CKernels"),
    // Floor 1: numbers.
    room("Digests", ["CCrypto"]),
    room("Charts"),
    room("Tensors", ["CKernels", "COpenBLAS"]),
    // Floor 2: siblings that never import each other.
    room("Checkpoints", ["Digests"]),
    room("Hub", ["Digests", httpClient, nio("NIOCore"), nio("NIOPosix"), nio("NIOHTTP1")]),
    room("Tokenization"),
    room("Images", ["CCodecs", "CKernels"]),
    room("VectorIndex", ["CKernels", "Tensors"]),
    room("LMDB", ["CLMDB"]),
    // Floor 3: the model.
    room(
      "BLIP", ["Digests", "Tensors", "Checkpoints", "Tokenization", "Images"],
      resources: [.copy("Resources/blip-mini")]),
    // Floor 4: the index folder, and training.
    room(
      "Retrieval",
      ["Tensors", "Checkpoints", "Images", "VectorIndex", "LMDB", "BLIP", "Digests"]),
    room(
      "Training",
      ["Tensors", "Checkpoints", "Images", "Tokenization", "BLIP", "Digests", "Charts"]),
    // Floor 5: what a model is worth on a captioned set.
    room(
      "Evaluation",
      ["Retrieval", "BLIP", "VectorIndex", "Images", "Checkpoints", "Tensors", "Digests"]),
    // Floor 6: the verbs.
    room(
      "Commands",
      [
        "Evaluation", "Retrieval", "Training", "BLIP", "Checkpoints", "Hub", "Tokenization",
        "Images", "Charts", "Tensors", arguments,
      ]),
    // Floor 7.
    .executableTarget(name: "blip", dependencies: ["Commands"], swiftSettings: strict),

    .target(
      name: "TestSupport", dependencies: ["CKernels", "Tensors"], path: "Tests/TestSupport",
      swiftSettings: strict),
    .target(
      name: "FakeHub", dependencies: ["Digests", nio("NIOCore"), nio("NIOPosix"), nio("NIOHTTP1")],
      path: "Tests/FakeHub", swiftSettings: strict),
    tests("TensorsTests", ["Tensors"]),
    tests("CheckpointsTests", ["Checkpoints"], resources: [.copy("Fixtures")]),
    tests("HubTests", ["Hub", "FakeHub"]),
    tests("TokenizationTests", ["Tokenization"], resources: [.copy("Fixtures")]),
    tests("ImagesTests", ["Images"], resources: [.copy("Fixtures")]),
    tests("VectorIndexTests", ["VectorIndex", "Tensors"]),
    tests("LMDBTests", ["LMDB"]),
    tests(
      "BLIPTests", ["BLIP", "Checkpoints", "Images", "Tensors"], resources: [.copy("Fixtures")]),
    tests(
      "RetrievalTests",
      [
        "Retrieval", "BLIP", "LMDB", "Checkpoints", "Digests", "Images", "Tensors", "VectorIndex",
      ],
      resources: [.copy("Fixtures")]),
    tests(
      "TrainingTests", ["Training", "BLIP", "Checkpoints", "Images", "Tensors"],
      resources: [.copy("Fixtures")]),
    tests(
      "EvaluationTests",
      ["Evaluation", "Retrieval", "BLIP", "Checkpoints", "Images", "Tensors"]),
    tests("CommandTests", ["blip", "Commands", "FakeHub", "Images"]),
  ],
  swiftLanguageModes: [.v6]
)
