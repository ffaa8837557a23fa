import FoundationEssentials

@testable import Captions
@testable import Checkpoints
@testable import Images
@testable import LMDB
@testable import Retrieval
@testable import Store
@testable import Tokenization
@testable import VectorIndex

/// A reader of untrusted files, run on one file. It must succeed or throw its own error; anything
/// else (a trap, a read past the end, unbounded memory or time) ends the process and is a finding.
enum Reader: String, CaseIterable {
  case picture, weights, pickle, configuration, vocabulary, captions, numpy, export, block, record
  case message, ignore, pages

  /// - Parameter folder: A folder for the files of readers that take a path.
  func read(_ bytes: [UInt8], in folder: String) throws {
    switch self {
    case .picture:
      _ = try? ImageDecoder().probe(bytes)
      if let format = ImageFormat(magicOf: bytes) {
        _ = MetadataBlocks.extract(from: bytes, format: format)
      }
      _ = try ImageDecoder().decode(bytes, forSide: 64)
    case .weights:
      let weights = try Weights(file: try written(bytes, "\(folder)/model.safetensors"))
      for name in weights.names {
        guard let shape = weights.shape(of: name) else { continue }
        _ = try? weights.floats(name, shape: shape)
        weights.release(name)
      }
    case .pickle:
      _ = try? PickleReader.read(bytes)
      let path = try written(bytes, "\(folder)/pytorch_model.bin")
      for tensor in try modelTensors(readPyTorch(path), source: path).values {
        precondition(tensor.count == tensor.shape.reduce(1, *))
        precondition(tensor.range.upperBound <= bytes.count)
      }
    case .configuration:
      // The other files of the folder are valid; the first byte selects the one to replace.
      guard let first = bytes.first else { return }
      let name = first % 2 == 0 ? "config.json" : "preprocessor_config.json"
      _ = try written(Array(bytes.dropFirst()), "\(folder)/\(name)")
      _ = try ModelFolder(path: folder)
    case .vocabulary:
      let name = bytes.first == UInt8(ascii: "{") ? "tokenizer.json" : "vocab.txt"
      let tokenizer = try WordPieceTokenizer(
        vocabularyPath: written(bytes, "\(folder)/\(name)"))
      let ids = tokenizer.encode(String(decoding: bytes.suffix(200), as: UTF8.self))
      _ = tokenizer.decode(ids)
    case .captions:
      let path = try written(bytes, "\(folder)/captions")
      let records = try CaptionFile(at: path).records
      var finder = CaptionPictureFinder(
        CaptionPathResolver(root: Array(folder.utf8), file: path), records: records,
        pictures: { ["a.jpg", "b/a.jpg", "b/é.jpg"].map { Array($0.utf8) } })
      for record in records { _ = finder.path(of: record) }
    case .numpy:
      let file = try NumpyFile(written(bytes, "\(folder)/array.npy"))
      _ = try file.rows(0..<min(file.header.rows, 100))
    case .export: try readExport(bytes, folder)
    case .block: try readBlock(bytes)
    case .record: try readRecord(bytes)
    case .pages: try readPages(bytes, folder)
    case .ignore:
      let list = IgnoreList(file: bytes)
      for path in ["a", "ab.png", "b/a.png", "a/b/ab", "caf\u{E9}/[x]", "-/ !#"] {
        _ = list.leavesOut(Array(path.utf8), isFolder: path.count < 3)
      }
      _ = list.leavesOut([UInt8](repeating: UInt8(ascii: "a"), count: 255), isFolder: false)
    case .message:
      let header = DecodingResponse.headerSize
      guard bytes.count >= header,
        let size = DecodingResponse.bodySize(Array(bytes[..<header]), limit: 1 << 16)
      else { return }
      let body = Array(bytes[header...].prefix(size))
      guard body.count == size else { return }
      _ = DecodingResponse(Array(bytes[..<header]), body: body)
    }
  }

  /// Reads an export in which one file, selected by the first byte, is replaced by the rest; the
  /// others are valid.
  private func readExport(_ bytes: [UInt8], _ folder: String) throws {
    let names = [
      "blip.json", "img_emb/img_emb_0.npy", "metadata/metadata_0.jsonl", "text_emb/text_emb_0.npy",
      "text_metadata/text_metadata_0.jsonl",
    ]
    guard let first = bytes.first else { return }
    let path = "\(folder)/\(names[Int(first) % names.count])"
    let original = try Data(contentsOf: URL(filePath: path))
    defer { try? original.write(to: URL(filePath: path)) }
    _ = try written(Array(bytes.dropFirst()), path)
    guard let manifest = try IndexImport.manifest(of: folder), manifest.embeddingSize <= 4096 else {
      return
    }
    var source = try ExportedSource(folder, manifest)
    while try source.next() != nil {}
  }

  /// Checks the pages of a data file, and reads its tables as a repair does.
  private func readPages(_ bytes: [UInt8], _ folder: String) throws {
    let path = try written(bytes, "\(folder)/data.mdb")
    _ = try? DataFile.check(path, tables: ["meta"])
    let file = try PageFile(path)
    for snapshot in file.snapshots { _ = file.check(snapshot) }
    let recovery = TableRecovery(file)
    for table in recovery.names.union(["pictures"]).sorted().prefix(32) {
      try recovery.forEachRow(of: table) { row in row.value.count % 7 != 0 }
      _ = try? recovery.value(of: [1, 2, 3], in: table)
    }
    _ = recovery.leaves(withKey: Array("format_version".utf8))
  }

  private func readBlock(_ bytes: [UInt8]) throws {
    let block = bytes.span.bytes
    try? VectorBlock.verify(block)
    _ = try? VectorBlock.removing([1], from: block)
    _ = try? VectorBlock.appending(
      ids: [9], vectors: [Float](repeating: 0.1, count: 31), to: block)
    for id in try VectorBlock.ids(of: block) where id == .max { return }
    for dimension in [31, 64] {
      let query = try PreparedQuery([Float](repeating: 0.1, count: dimension))
      var scan = BlockScan(query, count: 3, bound: .proven) { _ in true }
      try scan.visit(block, centroidScore: 0.3)
      _ = try scan.finish { _ throws(VectorError) in 0.5 }
      var scans = [BlockScan](repeating: BlockScan(query, count: 3), count: 8)
      try bytes.withUnsafeBytes {
        try BlockScan.visit(
          [StoredList(blocks: [StoredBlock(unsafeBytes: $0)], centroid: nil)], with: &scans)
      }
    }
  }

  private func readRecord(_ bytes: [UInt8]) throws {
    guard let kind = bytes.first else { return }
    let payload = Array(bytes.dropFirst())
    let value = payload.span.bytes
    switch kind % 8 {
    case 0: _ = try PictureCodec.decode(value)
    case 1: _ = try TextCodec.decode(value)
    case 2: _ = try FailureCodec.decode(value)
    case 3: _ = try EmbeddingCodec.decode(value)
    case 4: _ = try ListCodec.decode(value)
    case 5: _ = try LocationCodec.decode(value)
    case 6: _ = try FeatureCodec.decode(value, rows: 3, columns: 5, as: .bf16)
    default: _ = try FeatureCodec.decode(value, rows: 3, columns: 5, as: .int8)
    }
  }

  private func written(_ bytes: [UInt8], _ path: String) throws -> String {
    try Data(bytes).write(to: URL(filePath: path))
    return path
  }
}
