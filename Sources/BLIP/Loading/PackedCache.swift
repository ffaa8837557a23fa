internal import Checkpoints
internal import Digests
internal import Glibc
internal import Tensors

/// A cache of model parts in the packed formats they compute with: packed once, then mapped. One file
/// per part, so that a search by text reads only the text encoder's. The files can be deleted at any
/// time; a damaged one, or one that cannot be written, is ignored.
struct PackedCache: Sendable {
  /// Raised whenever the packed bytes of any format change, or the order of a part's parameters.
  private static let version = 2

  /// The directory of all models' files, created when first needed.
  let folder: String
  let fingerprint: String
  let precision: Precision
  /// Parts whose tensors take fewer bytes in the checkpoint are not cached.
  let smallestPart: Int

  /// - Parameter smallestPart: Nil for a measured default, where packing takes some 10 ms; rounding to
  ///   integers takes about ten times as long as rearranging.
  init(folder: String, fingerprint: String, precision: Precision, smallestPart: Int? = nil) {
    self.folder = folder
    self.fingerprint = fingerprint
    self.precision = precision
    self.smallestPart = smallestPart ?? (precision == .int8 ? 4 << 20 : 48 << 20)
  }

  /// The cached part; nil if there is none, or it is incomplete.
  func load<Part: ModelPart>(_ part: Part, named name: String) -> Part? {
    var part = part
    do {
      var reader = try PackedFileReader(path: path(of: name), key: key(of: name))
      try part.forEachParameter(&reader)
      try reader.end()
    } catch { return nil }
    part.prepare()
    return part
  }

  /// Caches a loaded part. If it cannot be written, the next load is as slow as this one: nothing that
  /// the user has to know.
  func keep(_ part: some ModelPart, named name: String) {
    try? write(part, named: name)
  }

  func write<Part: ModelPart>(_ part: Part, named name: String) throws {
    var part = part
    var layout = PackedFileLayout(key: key(of: name))
    try part.forEachParameter(&layout)
    try createFolder()
    var writer = try PackedFileWriter(path: path(of: name), layout: layout)
    try part.forEachParameter(&writer)
    try writer.commit()
  }

  func path(of name: String) -> String {
    "\(folder)/\(fingerprint.prefix(32))-\(precision.rawValue)-\(name).packed"
  }

  /// What a file must have been written for.
  private func key(of name: String) -> String {
    #if arch(x86_64)
      let processor = "x86_64"
    #elseif arch(arm64)
      let processor = "arm64"
    #else
      let processor = "other"
    #endif
    return "blip packed \(Self.version) \(processor) \(fingerprint) \(precision.rawValue) \(name)"
  }

  private func createFolder() throws(BLIPError) {
    var end = folder.startIndex
    while end < folder.endIndex {
      end = folder[folder.index(after: end)...].firstIndex(of: "/") ?? folder.endIndex
      guard mkdir(String(folder[..<end]), 0o700) == 0 || errno == EEXIST else {
        throw BLIPError(
          "\(folder): cannot create this directory: \(String(cString: strerror(errno)))")
      }
    }
  }
}

extension ModelPart {
  /// The part from the cache or else from the checkpoint by `load`; then it is cached if that pays.
  func cached(
    _ name: String, in cache: PackedCache?, of weights: Weights, load: () throws -> Self
  ) throws -> Self {
    guard let cache, try storedBytes(in: weights) >= cache.smallestPart else { return try load() }
    if let kept = cache.load(self, named: name) { return kept }
    let part = try load()
    cache.keep(part, named: name)
    return part
  }

  /// The size of the part's tensors in the checkpoint.
  private func storedBytes(in weights: Weights) throws -> Int {
    try shapes().reduce(0) { sum, tensor in
      sum + (try weights.withBytes(of: tensor.key, shape: tensor.value) { $1.count })
    }
  }
}
