import ArgumentParser
import Retrieval

/// How the vector index is searched.
struct NearestOptions: ParsableArguments {
  @Flag(
    name: .customLong("exact"),
    help: "Compare with every vector, even if the index is divided into lists.")
  var isExact = false

  @Option(
    name: .customLong("nprobe"),
    help: ArgumentHelp(
      "Search N lists of a large index. (default: as many as its target recall needs)",
      valueName: "n"))
  var nprobe: Int?

  var isGiven: Bool { isExact || nprobe != nil }

  func validate() throws {
    if let nprobe, nprobe < 1 { throw ValidationError("--nprobe must be 1 or more.") }
    if isExact, nprobe != nil {
      throw ValidationError("--exact cannot be combined with --nprobe.")
    }
  }

}

extension SearchOptions {
  init(
    _ ranking: RankingOptions, _ nearest: NearestOptions, budget: Duration? = nil,
    filter: PictureFilter = PictureFilter()
  ) {
    self.init(
      count: ranking.count, rerankDepth: ranking.depth, minimumMatch: ranking.minimumMatch,
      budget: budget, isExact: nearest.isExact, nprobe: nearest.nprobe, filter: filter)
  }
}
