internal import Checkpoints
internal import Digests
internal import Glibc
internal import Tensors

/// Where the parts of a model are kept as they are computed with: packed once, then mapped. One file
/// a part, so that a search by text reads the text encoder's alone. What lies there can be deleted
/// at any time; what is damaged, or cannot be written, is as if it were not there.
struct PackedCache: Sendable {
  /// Raised whenever the packed bytes of any format change, or the order of a part's parameters.
  private static let version = 2

  /// The folder of all models' files, made when first needed.
  let folder: String
  let fingerprint: String
  let precision: Precision
  /// Parts whose tensors take fewer bytes in the checkpoint are not worth a file.
  let smallestPart: Int

  /// - Parameter smallestPart: Nil: as measured, where packing takes some 10 ms; rounding to integers
  ///   costs about ten times what rearranging does.
  init(folder: String, fingerprint: String, precision: Precision, smallestPart: Int? = nil) {
    self.folder = folder
    self.fingerprint = fingerprint
    self.precision = precision
    self.smallestPart = smallestPart ?? (precision == .int8 ? 4 << 20 : 48 << 20)
  }

  /// The part as it was kept; nil where it was not, or not whole.
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

  /// Keeps a loaded part for the next time. Where it cannot be written the next time is as slow as
  /// this one: nothing that a person has to know of.
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

  /// What a file must have been made for.
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
        throw BLIPError("\(folder): cannot be made: \(String(cString: strerror(errno)))")
      }
    }
  }
}

extension ModelPart {
  /// The part from the cache or, where that has it not, from the checkpoint by `load`; then it is
  /// kept if that pays.
  func cached(
    _ name: String, in cache: PackedCache?, of weights: Weights, load: () throws -> Self
  ) throws -> Self {
    guard let cache, try storedBytes(in: weights) >= cache.smallestPart else { return try load() }
    if let kept = cache.load(self, named: name) { return kept }
    let part = try load()
    cache.keep(part, named: name)
    return part
  }

  /// What the part's tensors take in the checkpoint.
  private func storedBytes(in weights: Weights) throws -> Int {
    try shapes().reduce(0) { sum, tensor in
      sum + (try weights.withBytes(of: tensor.key, shape: tensor.value) { $1.count })
    }
  }
}
