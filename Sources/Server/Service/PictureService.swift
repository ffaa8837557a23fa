internal import Digests
internal import HTTPTypes
internal import Images
internal import Retrieval
import Synchronization

/// What the API, the page and the tools of assistants ask: one index and its model, and one path to each answer. All
/// that computes goes through an admission.
final class PictureService: Sendable {
  let index: PictureIndex
  let admission: Admission
  /// Of its own, so that no search waits for the pictures of a page, of which there are many.
  let thumbnailAdmission = Admission(running: 2, waiting: 1024)
  /// Of bodies, so that their memory is bounded.
  let uploadAdmission = Admission(running: 3, waiting: 64)
  private let uploads = RecentlyUsed<String, PictureSource>(most: 64)
  private let lists = RecentlyUsed<ListKey, ResultList>(most: 4)
  private let latestFacets = Mutex<(generation: IndexGeneration, facets: PictureFacets)?>(nil)

  private struct ListKey: Hashable {
    let request: String
    let generation: IndexGeneration
  }

  init(index: PictureIndex, admission: Admission) {
    (self.index, self.admission) = (index, admission)
  }

  /// Loads the model and reads what searches need, so that the first request does not wait for it.
  func prepare() async throws {
    _ = try await index.search(text: "a picture", options: SearchOptions(count: 1))
  }

  /// A page of a search, in the final order.
  func search(_ request: SearchRequest) async throws -> SearchAnswer {
    try await admission.run { try await answer(request) }
  }

  /// The first page of a search: the order of the first stage, and how to have the final one; that is nil where it is
  /// the same.
  func firstStage(
    _ request: SearchRequest
  ) async throws -> (first: SearchAnswer, final: (@Sendable () async throws -> SearchAnswer)?) {
    try await admission.run {
      let query = try await index.query(request.expression)
      guard try await index.rerankDepth(for: query, options: request.options) > 0 else {
        return (try await answer(request), nil)
      }
      var unranked = request
      unranked.options.rerankDepth = 0
      unranked.key += "unranked"
      return (try await answer(unranked), { try await self.search(request) })
    }
  }

  private func answer(_ request: SearchRequest) async throws -> SearchAnswer {
    let start = ContinuousClock.now
    let key = ListKey(request: request.key, generation: try index.generation)
    let query = try await index.query(request.expression)
    var page = lists[key]?.page(request)
    if page == nil {
      let list = try await list(query, request)
      // Whoever goes on to the next page goes on to others.
      if request.offset > 0 { lists.insert(list, for: key) }
      page = list.page(request)
    }
    let (hits, hasMore) = page ?? ([], false)
    return SearchAnswer(
      expression: request.expression, hits: hits, next: hasMore ? request.nextCursor : nil,
      notes: query.texts.flatMap(\.notes), duration: .now - start)
  }

  /// As many results as a page needs and one more; of later pages four times as many, so that scrolling to the end
  /// takes few searches.
  private func list(_ query: PictureQuery, _ request: SearchRequest) async throws -> ResultList {
    let end = request.offset + request.options.count
    var options = request.options
    options.count = min(request.offset == 0 ? end + 1 : 4 * end, SearchRequest.mostResults + 1)
    if request.excluded != nil { options.count += 1 }
    let hits = try await index.search(query, options: options)
    return ResultList(
      hits: hits.filter { $0.id != request.excluded }, isComplete: hits.count < options.count)
  }

  /// Keeps an uploaded picture for the requests that follow; returns its token and its size.
  func upload(_ contents: [UInt8]) async throws -> (token: String, width: Int, height: Int) {
    let (source, width, height) = try await admission.run {
      try await index.decoded(contents, name: "the uploaded picture")
    }
    // Of the contents: the same picture twice is kept once, and nobody guesses another's.
    let token = String(hexadecimal(SHA256.digest(of: contents)).prefix(32))
    uploads.insert(source, for: token)
    return (token, width, height)
  }

  /// The uploaded picture of a token.
  func uploaded(_ token: String) throws(Problem) -> PictureSource {
    guard let picture = uploads[token] else {
      throw Problem(.notFound, "the uploaded picture is no longer there; upload it again")
    }
    return picture
  }

  /// The texts of the index, or the given ones, that describe a picture.
  func match(_ picture: PictureSource, texts: [String], count: Int) async throws -> [TextHit] {
    try await admission.run {
      texts.isEmpty
        ? try await index.match(picture, options: SearchOptions(count: count))
        : try await Array(index.match(picture, texts: texts).prefix(count))
    }
  }

  /// A caption that the model generates of a picture.
  func caption(_ picture: PictureSource) async throws -> String {
    try await admission.run { try await index.caption(of: picture) }
  }

  /// What each word of a text attends to in a picture.
  func explain(_ picture: PictureSource, text: String) async throws -> MatchExplanation {
    try await admission.run { try await index.explain(picture, text: text) }
  }

  /// A picture of the index.
  func picture(_ id: UInt64) async throws -> IndexedPicture {
    guard let picture = try await index.picture(id) else {
      throw Problem(.notFound, "the index holds no picture \(id)")
    }
    return picture
  }

  /// A small version of a picture.
  func thumbnail(_ id: UInt64, _ size: ThumbnailSize) async throws -> [UInt8] {
    if let stored = try await index.storedThumbnail(of: id, size) { return stored }
    return try await thumbnailAdmission.run { try await index.thumbnail(of: id, size) }
  }

  /// How the pictures are distributed; computed again after the index has changed.
  func facets() async throws -> PictureFacets {
    let generation = try index.generation
    if let latest = latestFacets.withLock({ $0 }), latest.generation == generation {
      return latest.facets
    }
    return try await admission.run {
      let facets = try await index.facets()
      latestFacets.withLock { $0 = (generation, facets) }
      return facets
    }
  }
}
