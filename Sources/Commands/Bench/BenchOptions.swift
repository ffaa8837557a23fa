import ArgumentParser
import Files

/// The pictures and captions of an evaluation, and where their encodings are.
struct BenchDataOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Base directory of the picture paths in the captions file.", valueName: "dir"))
  var images: String

  @Option(
    help: ArgumentHelp("Split of Karpathy's file to use. (default: test)", valueName: "name"))
  var split: String?

  @Option(
    name: .customLong("index"),
    help: ArgumentHelp(
      "Use the embeddings and patch features of this index. (default: one built in the work "
        + "directory)", valueName: "dir"))
  var index: String?

  @Option(
    help: ArgumentHelp(
      "Directory for intermediate results. (default: bench in blip's cache)", valueName: "dir"))
  var work: String?

  func validate() throws {
    try requireValues([
      ("--images", images), ("--split", split), ("--index", index), ("--work", work),
    ])
  }

  /// The directory for intermediate results.
  func workPath() throws(CommandFailure) -> String {
    if let work = work { return work }
    guard let cache = CacheLocation.standard else {
      throw CommandFailure(
        "$HOME is not set: give a directory for intermediate results (--work DIR)")
    }
    return cache + "/bench"
  }
}

/// The scores of an evaluation.
struct BenchRankingOptions: ParsableArguments {
  @Option(
    name: .customLong("rerank-depths"),
    help: ArgumentHelp(
      "Numbers of best results to rerank with ITM (BLIP's k_test: 128 for 1,000 pictures, 256 for "
        + "COCO's 5,000); 0 is ITC alone. (default: 0,16,32,64,128)", valueName: "list"),
    transform: Self.depths)
  var depths = [0, 16, 32, 64, 128]

  @Option(
    help: ArgumentHelp(
      "Order by ITM logit + w × ITC cosine; w is 1 in BLIP's own evaluation. (default: order as a "
        + "search does)", valueName: "w"))
  var itcWeight: Float?

  private static func depths(_ text: String) throws -> [Int] {
    let depths = text.split(separator: ",", omittingEmptySubsequences: false).map {
      Int($0).flatMap { RankingOptions.countBounds.contains(max($0, 1)) && $0 >= 0 ? $0 : nil }
    }
    guard !depths.contains(nil) else {
      throw ValidationError("Give depths from 0 to 10,000, such as 0,16,64.")
    }
    return depths.compactMap { $0 }
  }

  func validate() throws {
    if let itcWeight, !(0...1_000_000).contains(itcWeight) {
      throw ValidationError("--itc-weight must be from 0 to 1,000,000.")
    }
  }
}

/// What an evaluation writes.
struct BenchOutputOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Write the results as a JSON object; - is standard output.", valueName: "file"))
  var json: String?

  @Option(
    help: ArgumentHelp("Write an HTML page with curves and failures.", valueName: "file"))
  var html: String?

  func validate() throws {
    try requireValues([("--json", json), ("--html", html)])
  }
}

/// Throws a usage error for the first option given with an empty value.
private func requireValues(_ options: [(name: String, value: String?)]) throws {
  for (name, value) in options where value?.isEmpty == true {
    throw ValidationError("\(name) must not be empty.")
  }
}
