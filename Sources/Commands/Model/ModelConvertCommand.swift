import ArgumentParser
import BLIP
import Checkpoints
import Files
import Retrieval
import Tokenization

struct ModelConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Convert a checkpoint in another format to a model folder.",
    usage: "blip model convert [<options>] <model> --out <dir>",
    discussion: """
      EXAMPLES
        blip model convert model_base_retrieval_coco.pth --out blip-coco
        blip model convert blip-coco --out blip-coco-224 --image-size 224
        blip model convert blip-coco --out blip-coco-int8 --int8
        blip index ~/Pictures --model blip-coco

      Reads BLIP's original checkpoints (.pth), a pytorch_model.bin, or a model folder of any \
      format, and writes a folder in Hugging Face's format with the weights in model.safetensors. \
      A configuration that is missing is inferred from the shapes of the tensors. Pickles are never \
      executed: one that contains more than tensors and plain values is refused.
      """)

  @Argument(
    help: ArgumentHelp(
      "Model folder, or a checkpoint file saved by PyTorch.", valueName: "model"))
  var model: String

  @Option(help: ArgumentHelp("Folder to write; must be new or empty.", valueName: "dir"))
  var out: String

  @Option(
    help: ArgumentHelp(
      "Vocabulary: a vocab.txt or tokenizer.json. (default: the folder's; for a checkpoint file, "
        + "BERT's uncased vocabulary)", valueName: "file"))
  var vocab: String?

  @Option(
    help: ArgumentHelp(
      "New input size, the side in pixels; the position embeddings are interpolated.",
      valueName: "pixels"))
  var imageSize: Int?

  @Flag(help: "Store the weight matrices as int8, a quarter of the size.")
  var int8 = false

  func validate() throws {
    if model.isEmpty { throw ValidationError("The model must not be empty.") }
    if out.isEmpty { throw ValidationError("--out must not be empty.") }
    if vocab?.isEmpty == true { throw ValidationError("--vocab must not be empty.") }
    if let imageSize, !(1...4096).contains(imageSize) {
      throw ValidationError("--image-size must be from 1 to 4096.")
    }
  }

  func run() throws {
    let conversion = try ModelConversion(
      model, imageSize: imageSize, vocabulary: vocab,
      standardVocabulary: BLIPModel.defaultModelPath() + "/vocab.txt")
    try conversion.write(to: out, int8: int8) { folder in
      _ = try ModelKind(of: folder)
      try requireVocabulary(of: folder)
    }
    try Console.output.write(ModelFacts(ModelFolder(path: out)).table)
  }

  /// Throws if the vocabulary does not fit the model. [DEC] and [ENC] may follow its last entry.
  private func requireVocabulary(of folder: ModelFolder) throws {
    let words = folder.configuration.text.vocabularySize
    let count = try WordPieceTokenizer(vocabularyPath: folder.vocabularyPath).count
    guard (words - 2)...words ~= count else {
      throw CommandFailure(
        "\(printable(model)): the model has \(words) token embeddings, the vocabulary \(count) "
          + "entries; give the model's own vocabulary (--vocab)")
    }
  }
}
