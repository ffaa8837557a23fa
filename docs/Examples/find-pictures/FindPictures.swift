// Indexes the pictures of a folder, then finds those that a text describes.
//
//     swift run find-pictures ~/Pictures "a dog running on a beach"

import Retrieval

@main
struct FindPictures {
  static func main() async throws {
    guard CommandLine.arguments.count == 3 else {
      return print("usage: find-pictures FOLDER TEXT")
    }
    let (folder, text) = (CommandLine.arguments[1], CommandLine.arguments[2])
    let index = try await openOrCreate(folder + ".index")

    for try await event in index.update(from: folder) {
      switch event {
      case .scanned(let found, let toEncode): print("\(found) pictures, \(toEncode) to encode")
      case .failed(let picture, let reason): print("\(picture): \(reason)")
      case .finished(let summary): print("\(summary.added) added in \(summary.seconds) s")
      default: break
      }
    }
    for hit in try await index.search(text: text, options: SearchOptions(count: 5)) {
      print(hit.cosine, hit.location)
    }
    await index.close()
  }

  static func openOrCreate(_ path: String) async throws -> PictureIndex {
    do throws(RetrievalError) {
      return try await PictureIndex.open(path)
    } catch  where error.code == .noIndex {
      return try await PictureIndex.create(at: path)
    }
  }
}
