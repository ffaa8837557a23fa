import ArgumentParser
import BLIP
import Checkpoints
import Retrieval

/// Which index a verb works on.
struct IndexOption: ParsableArguments {
  @Option(
    name: .customLong("index"),
    help: ArgumentHelp(
      "The folder of the index (default: $BLIP_INDEX, else indexes/default in blip's home).",
      valueName: "path"))
  var given: String?

  func validate() throws {
    if given?.isEmpty == true { throw ValidationError("--index names no folder.") }
  }

  /// The folder, which is about to be opened.
  func path() throws -> String {
    let path =
      try given ?? IndexLocation.standard(environment: IndexLocation.processEnvironment)
    DamagedIndex.reportCrashes(of: path)
    return path
  }
}

/// Which model a verb works with.
struct ModelOption: ParsableArguments {
  @Option(
    name: .customLong("model"),
    help: ArgumentHelp(
      "A BLIP model: its folder as Hugging Face writes it, or OWNER/NAME of one that blip model pull "
        + "fetched (default: the index's own, else the one that comes with blip).",
      valueName: "model"))
  var given: String?

  func validate() throws {
    if given?.isEmpty == true { throw ValidationError("--model names no folder.") }
  }

  /// The folder of the model given; nil where none is.
  func path() throws -> String? { try given.map(ModelLocation.folder) }

  /// The model given, or the one that comes with blip.
  func load(precision: Precision, use: BLIPModel.Use = .retrieval) throws -> BLIPModel {
    let path = try path() ?? BLIPModel.defaultModelPath()
    return try BLIPModel(
      folder: ModelFolder(path: path), precision: precision, use: use,
      cache: CacheLocation.standard)
  }
}

/// In which numbers a verb computes.
struct PrecisionOption: ParsableArguments {
  @Option(
    name: .customLong("precision"),
    help: ArgumentHelp(
      "Compute in fp32, bf16 (half the memory) or int8 (fastest, a little less exact); auto is "
        + "what the index has, else bf16 where the processor multiplies it, else fp32.",
      valueName: "precision"),
    transform: Self.precision)
  var precision = Precision.auto

  private static func precision(_ text: String) throws -> Precision {
    guard let precision = Precision(rawValue: text) else {
      throw ValidationError("Choose fp32, bf16, int8 or auto.")
    }
    return precision
  }
}

/// How the vector index is searched.
struct NearestOptions: ParsableArguments {
  @Flag(
    name: .customLong("exact"),
    help: "Look at every vector, also where the index is large enough for lists.")
  var isExact = false

  @Option(
    name: .customLong("nprobe"),
    help: ArgumentHelp(
      "Visit N lists of a large index (default: as many as its recall was measured to need).",
      valueName: "n"))
  var nprobe: Int?

  var isGiven: Bool { isExact || nprobe != nil }

  func validate() throws {
    if let nprobe, nprobe < 1 { throw ValidationError("--nprobe must be 1 or more.") }
    if isExact, nprobe != nil {
      throw ValidationError("--exact visits every list: it goes without --nprobe.")
    }
  }

  func options(folder: String? = nil) -> SearchOptions {
    SearchOptions(isExact: isExact, nprobe: nprobe, folder: folder)
  }
}

/// How many hits, and how they are ranked.
struct RankingOptions: ParsableArguments {
  static let defaultCount = 10
  static let countBounds = 1...10_000

  @Option(
    name: .customShort("k"),
    help: ArgumentHelp("How many hits to show (default: \(defaultCount)).", valueName: "count"))
  var givenCount: Int?

  @Option(
    name: .customLong("rerank"),
    help: ArgumentHelp(
      "Rerank the best N by ITM; 0 turns it off (default: what pays for the model).",
      valueName: "n"))
  var depth: Int?

  @Option(
    name: .customLong("min-match"),
    help: ArgumentHelp(
      "Leave out hits whose match probability is lower, 0 to 1 (reranks also where the default is "
        + "not to).",
      valueName: "p"))
  var minimumMatch: Float?

  var count: Int { givenCount ?? Self.defaultCount }
  var isGiven: Bool { givenCount != nil || depth != nil || minimumMatch != nil }

  func validate() throws {
    guard Self.countBounds.contains(count) else {
      throw ValidationError("-k must be from \(Self.countBounds.lowerBound) to 10,000.")
    }
    if let depth, depth < 0 || depth > Self.countBounds.upperBound {
      throw ValidationError("--rerank must be from 0 to 10,000.")
    }
    if let minimumMatch, !(0...1).contains(minimumMatch) {
      throw ValidationError("--min-match must be from 0 to 1.")
    }
    if minimumMatch != nil, depth == 0 {
      throw ValidationError("--min-match needs reranking: leave out --rerank 0.")
    }
  }
}
