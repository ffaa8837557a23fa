import FoundationEssentials

/// The files of a repository that form a model folder.
///
/// Other files of a repository are ignored: no arbitrary name from a server ever becomes a path.
struct ModelFiles: Equatable {
  /// `config.json` first, the weights last.
  let names: [String]

  /// Selects from all files of a repository or snapshot; throws an error that names what is
  /// missing.
  init(among files: [String]) throws(HubError) {
    let files = Set(files)
    func first(of names: String...) throws(HubError) -> String {
      guard let name = names.first(where: files.contains) else {
        throw HubError("no \(names.joined(separator: " and no "))")
      }
      return name
    }
    let configuration = try first(of: "config.json")
    let preprocessing = try first(of: "preprocessor_config.json", "processor_config.json")
    _ = try first(of: "vocab.txt", "tokenizer.json")
    let words = ["vocab.txt", "tokenizer.json", "tokenizer_config.json"].filter(files.contains)
    names = [configuration, preprocessing] + words + (try Self.weights(among: files))
  }

  /// Safetensors if present, else PyTorch files; single files or shards.
  private static func weights(among files: Set<String>) throws(HubError) -> [String] {
    for (stem, suffix) in [("model", "safetensors"), ("pytorch_model", "bin")] {
      let single = "\(stem).\(suffix)"
      let index = "\(single).index.json"
      if files.contains(single) { return [single] }
      guard files.contains(index) else { continue }
      let shards = files.compactMap { name in
        name.wholeMatch(of: /(\w+)-(\d{5})-of-(\d{5})\.(\w+)/).flatMap { match in
          match.1 == stem && match.4 == suffix
            ? (name: name, number: Int(match.2), of: Int(match.3)) : nil
        }
      }.sorted { $0.name < $1.name }
      guard let count = shards.first?.of, shards.map(\.number) == (0..<count).map({ $0 + 1 }),
        shards.allSatisfy({ $0.of == count })
      else {
        throw HubError("\(index), but not all of its shards (\(stem)-00001-of-0000N.\(suffix))")
      }
      return [index] + shards.map(\.name)
    }
    throw HubError("no weights (model.safetensors or pytorch_model.bin, as one file or in shards)")
  }

  /// The most bytes that a file of this name may have.
  static func limit(of name: String) -> Int {
    name.hasSuffix(".safetensors") || name.hasSuffix(".bin") ? 64 << 30 : 64 << 20
  }
}

/// The kind of model that a `config.json` declares.
package struct DeclaredKind: Sendable, Equatable, Decodable {
  private let modelType: String
  private let architectures: [String]?

  private enum CodingKeys: String, CodingKey {
    case modelType = "model_type"
    case architectures
  }

  /// Nil if the folder has no model configuration.
  package init?(folder: String) {
    guard let bytes = readSmallFile("\(folder)/config.json"),
      let kind = try? JSONDecoder().decode(DeclaredKind.self, from: bytes)
    else { return nil }
    self = kind
  }

  /// Whether it is a BLIP, with any heads.
  package var isBLIP: Bool { modelType == "blip" }

  /// Whether it has the heads that indexing and search need.
  package var isRetrieval: Bool {
    isBLIP && architectures?.contains("BlipForImageTextRetrieval") ?? true
  }
}
