import ArgumentParser
import BLIP
import Checkpoints
import Files
import Retrieval
import Tokenization

struct ModelShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show a model's architecture and weights.",
    discussion: """
      EXAMPLES
        blip model show
        blip model show blip-coco --json
      """)

  @Argument(
    help: ArgumentHelp(
      "BLIP model folder in Hugging Face's format. (default: the model shipped with blip)",
      valueName: "model"))
  var model: String?

  @Flag(name: .customLong("json"), help: "Print one JSON object.")
  var writesJSON = false

  func validate() throws {
    if model?.isEmpty == true { throw ValidationError("The model must not be empty.") }
  }

  func run() throws {
    let facts = try ModelFacts(ModelFolder(path: model ?? BLIPModel.defaultModelPath()))
    try Console.output.write(writesJSON ? facts.json.text + "\n" : facts.table)
  }
}

/// A model's architecture and weights.
struct ModelFacts {
  private let folder: ModelFolder
  private let kind: ModelKind
  /// Entries of the vocabulary; nil if the folder has none.
  private let words: Int?

  /// Throws if the tensors do not fit the configuration.
  init(_ folder: ModelFolder) throws {
    self.folder = folder
    kind = try ModelKind(of: folder)
    words = try? WordPieceTokenizer(vocabularyPath: folder.vocabularyPath).count
  }

  private var vision: VisionConfiguration { folder.configuration.vision }
  private var text: TextConfiguration { folder.configuration.text }
  private var parameters: Int { folder.weights.storage.reduce(0) { $0 + $1.parameters } }
  private var bytes: Int { folder.weights.storage.reduce(0) { $0 + $1.bytes } }

  private var imageEncoder: String {
    let name =
      switch (vision.hiddenSize, vision.layers, vision.heads) {
      case (768, 12, 12): "ViT-B"
      case (1024, 24, 16): "ViT-L"
      default: "ViT"
      }
    return vision.stem == nil ? "\(name)/\(vision.patchSize)" : "\(name) with a convolutional stem"
  }

  private var textSide: String {
    switch kind {
    case .retrieval: "encoder"
    case .captioning: "decoder"
    case .both: "encoder and decoder"
    }
  }

  private static func name(_ path: String) -> Substring { path.split(separator: "/").last ?? "" }

  /// The facts as a table.
  var table: String {
    Table.facts(
      [
        ("model", printable(folder.path)),
        (
          "kind",
          kind == .both ? "retrieval and captioning" : kind.rawValue
        ),
        (
          "image encoder",
          "\(imageEncoder), \(vision.imageSize) px, \(vision.layers) layers, width "
            + "\(vision.hiddenSize), \(counted(vision.heads, "head"))"
        ),
        (
          "text \(textSide)",
          "\(text.layers) layers, width \(text.hiddenSize), \(counted(text.heads, "head"))"
        ),
        (
          "embedding", kind.hasEncoder ? "\(folder.configuration.embeddingSize) dimensions" : "none"
        ),
        ("parameters", "\(fixed(Double(parameters) / 1e6, 1)) million"),
        (
          "stored as",
          folder.weights.storage
            .map { "\($0.type.rawValue) \(size(ofBytes: $0.bytes))" }.joined(separator: ", ")
        ),
        ("weights", printable(Self.name(folder.weights.source))),
        (
          "tokenizer",
          words.map { "\(printable(Self.name(folder.vocabularyPath))), \(counted($0, "token"))" }
            ?? "none: vocab.txt is missing"
        ),
        ("precision", Self.precisions.joined(separator: ", ")),
        ("fingerprint", String(folder.fingerprint.prefix(16))),
        (
          "calibration",
          folder.configuration.calibration.map {
            $0.texts == nil ? "of pictures" : "of pictures and texts"
          } ?? "none"
        ),
      ] + folder.configuration.wordFacts)
  }

  /// The facts as JSON.
  var json: JSONOutput {
    .object([
      ("path", .string(folder.path)),
      ("name", .string(folder.name)),
      ("kind", .string(kind.rawValue)),
      (
        "image_encoder",
        .object([
          ("name", .string(imageEncoder)), ("image_size", .integer(vision.imageSize)),
          ("patch_size", .integer(vision.patchSize)), ("layers", .integer(vision.layers)),
          ("width", .integer(vision.hiddenSize)), ("heads", .integer(vision.heads)),
        ])
      ),
      (
        "text",
        .object([
          ("layers", .integer(text.layers)), ("width", .integer(text.hiddenSize)),
          ("heads", .integer(text.heads)), ("vocabulary_size", .integer(text.vocabularySize)),
        ])
      ),
      (
        "embedding_size",
        kind.hasEncoder ? .integer(folder.configuration.embeddingSize) : nil
      ),
      ("parameters", .integer(parameters)),
      ("bytes", .integer(bytes)),
      (
        "stored",
        .array(
          folder.weights.storage.map {
            .object([
              ("type", .string($0.type.rawValue)), ("parameters", .integer($0.parameters)),
              ("bytes", .integer($0.bytes)),
            ])
          })
      ),
      ("weights", .string(folder.weights.source)),
      ("tokenizer", words == nil ? nil : .string(folder.vocabularyPath)),
      ("words", words.map { .integer($0) }),
      ("precisions", .array(Self.precisions.map { .string($0) })),
      ("fingerprint", .string(folder.fingerprint)),
      ("calibration", folder.configuration.calibration?.json),
    ])
  }

  private static let precisions = Precision.allCases.filter { $0 != .auto }.map(\.rawValue)
}
