import BLIP
import BenchmarkSupport
import Checkpoints
import Foundation
import Images
import Tensors

/// The inputs of all contestants, as written by `peers/prepare.py`: raw little-endian numbers, so
/// that all read the same values.
struct Inputs {
  /// The folder of models and inputs.
  let folder: String
  private let texts: Texts

  private struct Texts: Decodable {
    let text: [Int32]
    let texts: [[Int32]]
  }

  init(folder: String) throws {
    self.folder = folder
    let tokens = URL(fileURLWithPath: "\(folder)/inputs/tokens.json")
    texts = try JSONDecoder().decode(Texts.self, from: Data(contentsOf: tokens))
  }

  /// Token ids of one text.
  var text: [Int32] { texts.text }

  /// Token ids of one text per candidate.
  var manyTexts: [[Int32]] { texts.texts }

  /// A picture with the size of its model's input.
  func picture(side: Int) throws -> Picture {
    let bytes = try read("picture\(side).u8")
    guard bytes.count == side * side * 3 else {
      throw BenchmarkError("picture\(side).u8 holds \(bytes.count) bytes; delete \(folder)/inputs")
    }
    return Picture(width: side, height: side, pixels: bytes)
  }

  /// The patch features of the candidates, `[577, 768]` each.
  func features() throws -> [Matrix] {
    let features = try readMatrices("\(folder)/inputs/features.f32", rows: 577, columns: 768)
    guard features.count == manyTexts.count else {
      throw BenchmarkError("\(folder)/inputs has \(features.count) features; delete it")
    }
    return features
  }

  /// The JPEG files, sorted by name.
  func jpegs() throws -> [String] {
    let folder = "\(folder)/inputs/jpegs"
    return try FileManager.default.contentsOfDirectory(atPath: folder).sorted().map {
      "\(folder)/\($0)"
    }
  }

  private func read(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder)/inputs/\(name)")))
  }
}
