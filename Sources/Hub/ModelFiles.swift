import FoundationEssentials

/// The files of a repository that make a model folder.
///
/// Everything else that a repository lists is left where it is: no name that a server makes up ever
/// becomes a path.
struct ModelFiles: Equatable {
  /// `config.json` first, the weights last.
  let names: [String]

  /// Chooses among all files of a repository or of a snapshot; what is missing is the error's text.
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

  /// Safetensors, whole or in shards, else PyTorch's file.
  private static func weights(among files: Set<String>) throws(HubError) -> [String] {
    let index = "model.safetensors.index.json"
    if files.contains("model.safetensors") { return ["model.safetensors"] }
    if files.contains(index) {
      let shards = files.compactMap { name in
        name.wholeMatch(of: /model-(\d{5})-of-(\d{5})\.safetensors/).map {
          (name: name, number: Int($0.1), of: Int($0.2))
        }
      }.sorted { $0.name < $1.name }
      guard let count = shards.first?.of, shards.map(\.number) == (0..<count).map({ $0 + 1 }),
        shards.allSatisfy({ $0.of == count })
      else {
        throw HubError("\(index), but not all of its shards (model-00001-of-0000N.safetensors)")
      }
      return [index] + shards.map(\.name)
    }
    if files.contains("pytorch_model.bin") { return ["pytorch_model.bin"] }
    throw HubError("no weights (model.safetensors, its shards, or pytorch_model.bin)")
  }

  /// More bytes than a file of this name can honestly have.
  static func limit(of name: String) -> Int {
    name.hasSuffix(".safetensors") || name.hasSuffix(".bin") ? 64 << 30 : 64 << 20
  }
}

/// What a model's `config.json` says it is.
package struct ModelKind: Sendable, Equatable, Decodable {
  /// `blip` for every BLIP.
  package let modelType: String
  private let architectures: [String]?

  private enum CodingKeys: String, CodingKey {
    case modelType = "model_type"
    case architectures
  }

  /// Nil for a folder without a configuration of a model.
  package init?(folder: String) {
    guard let bytes = readSmallFile("\(folder)/config.json"),
      let kind = try? JSONDecoder().decode(ModelKind.self, from: bytes)
    else { return nil }
    self = kind
  }

  /// A BLIP of any head.
  package var isBLIP: Bool { modelType == "blip" }

  /// Has the heads that an index and a search need.
  package var isRetrieval: Bool {
    isBLIP && architectures?.contains("BlipForImageTextRetrieval") ?? true
  }
}
