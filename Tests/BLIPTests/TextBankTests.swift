import TestSupport
import Testing

@testable import BLIP
@testable import Checkpoints

/// The texts that a model ships with to find hubs by.
@Suite struct TextBankTests {
  private static let texts = (0..<25).map { "\(["a dog", "two men", "snow"][$0 % 3]) and \($0)" }

  @Test func hubnessIsHalfTheMeanCosineOfTheTenNearest() throws {
    let model = try Models.tiny.get()
    let bank = try TextBank(Self.texts, by: model)
    let embeddings = try model.embed(texts: Self.texts.map { model.tokens(of: $0) })
    for picture in embeddings[..<3].map({ $0.reversed() as [Float] }) + [embeddings[4]] {
      let cosines = embeddings.map { row in zip(row, picture).reduce(Float(0)) { $0 + $1.0 * $1.1 }
      }
      let expected = cosines.sorted(by: >).prefix(10).reduce(0, +) / 20
      #expect(abs(bank.hubness(of: picture) - expected) < 1e-5)
    }
  }

  @Test func isReadAsItWasWritten() throws {
    let folder = try Models.tinyFolder()
    #expect(try TextBank(of: ModelFolder(path: folder.path)) == nil)
    let model = try Models.tiny.get()
    let bank = try TextBank(Self.texts, by: model)
    try bank.write(to: folder.path)
    let read = try #require(try TextBank(of: ModelFolder(path: folder.path)))
    let picture = try model.embed(texts: [[101, 7, 102]])[0]
    #expect(read.texts == Self.texts)
    #expect(abs(read.hubness(of: picture) - bank.hubness(of: picture)) < 1e-3)
    let other = try TextBank(Self.texts.dropLast(), by: model)
    #expect(other.digest != bank.digest && bank.digest.count == 64)
  }

  @Test(arguments: ["width", "few", "texts", "length", "nan", "name", "not a file"])
  func aWrongOneIsAnErrorThatNamesTheFile(_ fault: String) throws {
    let folder = try Models.tinyFolder()
    let size = try ModelFolder(path: folder.path).configuration.embeddingSize
    let (rows, columns) = (fault == "few" ? 9 : 12, fault == "width" ? size + 1 : size)
    var floats = (0..<rows * columns).map { Float($0 % columns == 0 ? 1 : 0) }
    if fault == "length" { floats[columns] = 2 }
    if fault == "nan" { floats[columns + 1] = .nan }
    let path = "\(folder.path)/\(TextBank.file)"
    if fault == "not a file" {
      folder.write(TextBank.file, "text".utf8)
    } else {
      try writeSafetensors(
        [
          TensorToWrite(
            name: fault == "name" ? "rows" : "embeddings", shape: [rows, columns],
            content: .floats(floats))
        ],
        metadata: [
          "texts": [String](repeating: "a", count: fault == "texts" ? 3 : rows)
            .joined(separator: "\n")
        ], to: path)
    }
    #expect { try TextBank(of: ModelFolder(path: folder.path)) } throws: { "\($0)".contains(path) }
  }

  @Test func theDefaultModelHasOne() throws {
    let model = try Models.standard.get()
    let bank = try #require(try model.textBank())
    #expect(bank.texts.count > 2000 && Set(bank.texts).count == bank.texts.count)
    // It is of these weights.
    let weights = try Weights(file: "\(model.folder.path)/\(TextBank.file)")
    let rows = Array(0..<100)
    let size = model.folder.configuration.embeddingSize
    let stored = try weights.rows("embeddings", rows, shape: [bank.texts.count, size])
    let embedded = try model.embed(texts: rows.map { model.tokens(of: bank.texts[$0]) })
    for row in rows {
      #expect(cosineDistance(Array(stored[row * size..<(row + 1) * size]), embedded[row]) < 1e-4)
    }
  }
}
