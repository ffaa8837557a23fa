// swift-tools-version: 6.2
import PackageDescription

// Layers: a target may depend only on targets listed above it, and never on one of its own layer.
let strict: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

func module(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource]? = nil)
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
    .library(
      name: "Retrieval",
      targets: [
        "Retrieval", "Store", "Captions", "Images", "TextIndex", "RankingMetrics", "Random",
      ]),
    .library(
      name: "Evaluation", targets: ["Evaluation", "Retrieval", "Captions", "RankingMetrics"]),
    .library(name: "VectorIndex", targets: ["VectorIndex", "Tensors"]),
    .library(name: "Training", targets: ["Training", "Captions"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(
      url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    // Layer 0: the only C, and random numbers.
    .systemLibrary(name: "CLMDB", pkgConfig: "lmdb", providers: [.apt(["liblmdb-dev"])]),
    // Built with the header of libopenblas-dev; the library is loaded at run time, when needed.
    .target(name: "COpenBLAS"),
    .systemLibrary(name: "CStemmer", providers: [.apt(["libstemmer-dev"])]),
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .target(
      name: "CCodecs",
      linkerSettings: ["jpeg", "png16", "webp", "webpdemux", "tiff", "gif", "heif"].map {
        .linkedLibrary($0)
      }),
    .systemLibrary(name: "CChafa", pkgConfig: "chafa", providers: [.apt(["libchafa-dev"])]),
    // The library is loaded at run time, when the first file's metadata are read.
    .target(name: "CGExiv2"),
    // Built with the header of libtesseract-dev; the library is loaded in the process that reads text.
    .target(name: "CTesseract"),
    .target(name: "CKernels"),
    .target(name: "CFileSystem"),
    module("Random"),
    // Layer 1: matrices, hashes, curves, the file system, and the letters of all scripts.
    module("Tensors", ["CKernels", "COpenBLAS", "Random"]),
    module("Digests", ["CCrypto"]),
    module("Charts"),
    module("Files", ["CFileSystem"]),
    module("TextNormalization"),
    // Layer 2: weights, words, pictures, nearest neighbours, terms, tables, captions.
    module("Checkpoints", ["Digests", "Files"]),
    module(
      "Hub", ["Digests", "Files", httpClient, nio("NIOCore"), nio("NIOPosix"), nio("NIOHTTP1")]),
    module("Tokenization", ["TextNormalization"]),
    module("Images", ["CCodecs", "CGExiv2", "CKernels", "CTesseract", "Files", "Random"]),
    module("VectorIndex", ["CKernels", "Random", "Tensors"]),
    module("TextIndex", ["CStemmer", "TextNormalization"]),
    module("LMDB", ["CLMDB", "Files"]),
    module("Captions", ["Files"]),
    module("RankingMetrics"),
    // Layer 3: the model.
    module(
      "BLIP", ["Digests", "Files", "Random", "Tensors", "Checkpoints", "Tokenization", "Images"],
      resources: [.copy("Resources/blip-mini")]),
    // Layer 4: what an index holds, on disk, and training.
    module(
      "Store",
      [
        "BLIP", "Checkpoints", "Digests", "Files", "Images", "LMDB", "Tensors", "TextIndex",
        "VectorIndex",
      ]),
    module(
      "Training",
      [
        "BLIP", "Captions", "Charts", "Checkpoints", "Digests", "Files", "Images", "RankingMetrics",
        "Random", "Tensors", "Tokenization",
      ]),
    // Layer 5: the library: collections, indexing, search, captioning, exchange.
    module(
      "Retrieval",
      [
        "Store", "BLIP", "Captions", "Checkpoints", "Digests", "Files", "Images", "Tensors",
        "TextIndex", "Tokenization", "VectorIndex",
      ]),
    // Layer 6: what a model is worth on a captioned set.
    module(
      "Evaluation",
      [
        "Retrieval", "Store", "BLIP", "Captions", "Checkpoints", "Digests", "Files", "Images",
        "RankingMetrics", "Random", "Tensors", "TextIndex", "VectorIndex",
      ]),
    // Layer 6: a page, an API and tools of assistants over HTTP.
    module(
      "Server",
      [
        "Retrieval", "Store", "BLIP", "Checkpoints", "Files", "Images", "Digests", "Tensors",
        nio("NIOCore"), nio("NIOPosix"), nio("NIOHTTP1"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "CoreMetrics", package: "swift-metrics"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ], resources: [.embedInCode("Page"), .embedInCode("Description")]),
    // Layer 7: the verbs.
    module(
      "Commands",
      [
        "CChafa", "Evaluation", "Retrieval", "Server", "Store", "Training", "BLIP", "Captions",
        "Charts",
        "Checkpoints",
        "Files", "Hub", "Images", "RankingMetrics", "Tensors", "Tokenization", arguments,
      ]),
    // Layer 8: the program.
    .executableTarget(name: "blip", dependencies: ["Commands"], swiftSettings: strict),

    .target(
      name: "TestSupport", dependencies: ["CKernels", "Random", "Tensors"],
      path: "Tests/TestSupport",
      swiftSettings: strict),
    // What a user of the library writes: it sees public declarations only.
    .executableTarget(
      name: "find-pictures", dependencies: ["Retrieval"], path: "docs/Examples/find-pictures",
      packageAccess: false, swiftSettings: strict),
    .target(
      name: "FakeHub", dependencies: ["Digests", nio("NIOCore"), nio("NIOPosix"), nio("NIOHTTP1")],
      path: "Tests/FakeHub", swiftSettings: strict),
    .target(
      name: "StoreTestSupport",
      dependencies: ["BLIP", "Images", "LMDB", "Store", "Tensors", "TestSupport"],
      path: "Tests/StoreTestSupport", swiftSettings: strict),
    tests("TensorsTests", ["Tensors"]),
    tests("CheckpointsTests", ["Checkpoints"], resources: [.copy("Fixtures")]),
    tests("HubTests", ["Hub", "FakeHub", "Files"]),
    tests(
      "TokenizationTests", ["Tokenization", "TextNormalization"], resources: [.copy("Fixtures")]),
    tests(
      "ImagesTests", ["Images"], resources: [.copy("Fixtures"), .copy("FormatFixtures")]),
    tests("VectorIndexTests", ["VectorIndex", "Tensors"]),
    tests("TextIndexTests", ["TextIndex"]),
    tests("LMDBTests", ["LMDB"]),
    tests("RankingMetricsTests", ["RankingMetrics"]),
    tests("FilesTests", ["Files"]),
    tests("CaptionsTests", ["Captions", "Files"]),
    tests(
      "BLIPTests", ["BLIP", "Checkpoints", "Images", "Tensors"], resources: [.copy("Fixtures")]),
    tests(
      "StoreTests",
      [
        "Store", "StoreTestSupport", "BLIP", "Checkpoints", "Digests", "Files", "Images", "LMDB",
        "Tensors", "TextIndex", "VectorIndex",
      ],
      resources: [.copy("Fixtures")]),
    tests(
      "RetrievalTests",
      [
        "Retrieval", "Store", "StoreTestSupport", "BLIP", "Captions", "Checkpoints", "Digests",
        "Files", "Images", "LMDB", "Tensors", "Tokenization", "VectorIndex",
      ]),
    tests(
      "TrainingTests", ["Training", "BLIP", "Captions", "Checkpoints", "Images", "Tensors"],
      resources: [.copy("Fixtures")]),
    tests(
      "EvaluationTests",
      [
        "Evaluation", "Retrieval", "Store", "BLIP", "Captions", "Checkpoints", "Files", "Images",
        "RankingMetrics",
        "Tensors",
      ]),
    tests(
      "ServerTests",
      [
        "Server", "Retrieval", "Images",
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "CoreMetrics", package: "swift-metrics"),
      ]),
    tests(
      "CommandTests",
      [
        "blip", "find-pictures", "Commands", "FakeHub", "Images", "Retrieval", httpClient,
        nio("NIOCore"), nio("NIOHTTP1"),
      ]),
  ],
  swiftLanguageModes: [.v6]
)
