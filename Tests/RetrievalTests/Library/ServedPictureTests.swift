import Foundation
import Images
import Retrieval
import Store
import TestSupport
import Testing

/// What a server asks of an index: public declarations only.
@Suite("Pictures of an index", .ownsProcess)
struct ServedPictureTests {
  private let photos = Collection()
  private let path = TemporaryFolder().path + "/index"

  init() {
    for seed in 0..<4 { photos.write("\(seed % 2)/\(seed).png", TestPNG.picture(seed: seed)) }
    photos.write("0/0.txt", "blue bands")
  }

  private func index() async throws -> PictureIndex {
    let index = try await PictureIndex.create(at: path, model: TinyModel.retrieval.path)
    for try await _ in index.update(from: photos.path) {}
    return index
  }

  private func ids(_ index: PictureIndex) async throws -> [String: UInt64] {
    let hits = try await index.search(text: "anything")
    return Dictionary(uniqueKeysWithValues: hits.map { ($0.path, $0.id) })
  }

  @Test("are found by their numbers as searches find them")
  func records() async throws {
    let index = try await index()
    let hits = try await index.search(text: "blue")
    for hit in hits { #expect(try await index.picture(hit.id) == hit.picture) }
    #expect(try await index.picture(99) == nil)
    await index.close()
  }

  @Test("are searched by as their files are, and unlike them")
  func indexedPictures() async throws {
    let index = try await index()
    let id = try #require(try await ids(index)["1/3.png"])
    let byNumber = try await index.search(QueryExpression(.picture(.indexed(id))))
    let byFile = try await index.search(picture: "\(photos.path)/1/3.png")
    #expect(byNumber.first?.id == id)
    #expect(byNumber.map(\.id) == byFile.map(\.id))
    let unlike = try QueryExpression([
      .init(.text("blue")), .init(.picture(.indexed(id)), weight: -100),
    ])
    #expect(try await index.search(unlike).last?.id == id)
    #expect(
      try await index.match(.indexed(id)).map(\.text)
        == index.match(picture: "\(photos.path)/1/3.png").map(\.text))
    await #expect(throws: RetrievalError.self) {
      try await index.search(QueryExpression(.picture(.indexed(99))))
    }
    await index.close()
  }

  @Test("are explained by what the index stores of them as by their files")
  func explanation() async throws {
    let index = try await index()
    let id = try #require(try await ids(index)["1/3.png"])
    let stored = try await index.explain(.indexed(id), text: "a blue dog")
    let encoded = try await index.explain("\(photos.path)/1/3.png", text: "a blue dog")
    #expect(stored.words.map(\.text) == ["a", "blue", "dog"])
    #expect(stored.words.map(\.range) == [0..<1, 2..<6, 7..<10])
    for (word, other) in zip(stored.words, encoded.words) {
      #expect(word.weights.count == stored.rows * stored.columns)
      // Features are stored as bf16.
      for (a, b) in zip(word.weights, other.weights) { #expect(abs(a - b) < 0.05) }
    }
    await #expect(throws: RetrievalError.self) {
      try await index.explain(.indexed(99), text: "a dog")
    }
    await index.close()
  }

  @Test("from outside are decoded once and then searched by as the file is")
  func decoded() async throws {
    let index = try await index()
    let file = try Array(Data(contentsOf: URL(fileURLWithPath: "\(photos.path)/1/3.png")))
    let (source, width, height) = try await index.decoded(file, name: "upload")
    #expect(width == 24 && height == 24)
    let hits = try await index.search(QueryExpression(.picture(source)))
    let wanted = try await index.search(picture: "\(photos.path)/1/3.png")
    #expect(hits.map(\.id) == wanted.map(\.id) && hits[0].cosine > 0.99)
    await #expect(throws: RetrievalError.self) { try await index.decoded([1, 2], name: "upload") }
    await index.close()
  }

  @Test("are counted by folder, month and format")
  func facets() async throws {
    let index = try await index()
    let facets = try await index.facets()
    #expect(facets.pictures == 4 && facets.texts == 1)
    #expect(facets.folders.map(\.value) == [Array("0".utf8), Array("1".utf8)])
    #expect(facets.folders.map(\.pictures) == [2, 2])
    #expect(facets.formats.map(\.value) == [.png] && facets.formats[0].pictures == 4)
    #expect(facets.months.map(\.pictures) == [4] && facets.cameras.isEmpty)
    await index.close()
  }

  @Test("have thumbnails, which are kept beside the index and are not foreign to it")
  func thumbnails() async throws {
    let index = try await index()
    let id = try #require(try await ids(index)["0/0.png"])
    let small = try await index.thumbnail(of: id, .small)
    let (picture, properties) = try ImageDecoder().decode(small, forSide: nil)
    #expect(properties.format == .webp && picture.width == 24)
    unlink("\(photos.path)/0/0.png")
    #expect(try await index.thumbnail(of: id, .small) == small)
    await #expect(throws: RetrievalError.self) { try await index.thumbnail(of: id, .large) }
    await index.close()
    #expect(try await PictureIndex.check(at: path).isSound)
  }

  @Test("are served as they are, unless something else is in their place")
  func originals() async throws {
    let index = try await index()
    let ids = try await ids(index)
    let id = try #require(ids["0/0.png"])
    let file = try await index.originalFile(of: id)
    #expect(file.format == .png && file.name == "0.png")
    #expect(try file.read(0..<file.size) == TestPNG.picture(seed: 0))

    let place = "\(photos.path)/0/0.png"
    let secret = TemporaryFolder().write("secret.png", TestPNG.picture(seed: 9))
    unlink(place)
    symlink(secret, place)
    await #expect(throws: RetrievalError.self) { try await index.originalFile(of: id) }
    unlink(place)
    photos.write("0/0.png", "no picture")
    await #expect(throws: RetrievalError.self) { try await index.originalFile(of: id) }
    await #expect(throws: RetrievalError.self) { try await index.originalFile(of: 99) }
    await index.close()
  }

  @Test("of another index in the same place are found after a refresh, and new ones without")
  func refresh() async throws {
    let index = try await index()
    await index.close()
    let reader = try await PictureIndex.open(path, model: TinyModel.retrieval.path)
    #expect(try await !reader.refresh())
    // Another index takes the place of this one.
    let other = TemporaryFolder().path + "/index"
    let second = try await PictureIndex.create(at: other, model: TinyModel.retrieval.path)
    photos.write("5.png", TestPNG.picture(seed: 5))
    for try await _ in second.update(from: photos.path) {}
    await second.close()
    rename(path, path + ".old")
    rename(other, path)
    #expect(try await reader.refresh())
    #expect(try await reader.facets().pictures == 5)
    await reader.close()
  }
}
