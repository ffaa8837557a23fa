import ArgumentParser
import BLIP
import Checkpoints
import Tokenization

struct ModelConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Makes a model folder of a checkpoint in another format.",
    discussion: """
      Takes BLIP's original checkpoints (.pth), a pytorch_model.bin, or a model folder of any \
      format, and writes a folder as Hugging Face does, with its weights in model.safetensors. What \
      a file alone does not say is read off the shapes of its tensors. No pickle is ever run: one \
      that holds more than tensors and plain values is refused.

      EXAMPLES
        blip model convert model_base_retrieval_coco.pth --out blip-coco
        blip model convert blip-coco --out blip-coco-224 --image-size 224
        blip model convert blip-coco --out blip-coco-int8 --int8
        blip index ~/Pictures --model blip-coco
      """)

  @Argument(
    help: ArgumentHelp(
      "A model folder, or a checkpoint file that PyTorch saved.", valueName: "model"))
  var model: String

  @Option(help: ArgumentHelp("The folder to write; a new or an empty one.", valueName: "dir"))
  var out: String

  @Option(
    help: ArgumentHelp(
      "The vocabulary, a vocab.txt or tokenizer.json (default: the folder's own; for a file, "
        + "BERT's uncased one).", valueName: "file"))
  var vocab: String?

  @Option(
    help: ArgumentHelp(
      "Let the model take pictures of so many pixels on a side; its position embedding is "
        + "interpolated.", valueName: "pixels"))
  var imageSize: Int?

  @Flag(help: "Store the matrices in 8 bits, a quarter of the room.")
  var int8 = false

  func validate() throws {
    if model.isEmpty { throw ValidationError("The model to convert has no name.") }
    if out.isEmpty { throw ValidationError("--out names no folder.") }
    if vocab?.isEmpty == true { throw ValidationError("--vocab names no file.") }
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

  /// [DEC] and [ENC] may stand behind the vocabulary's last word.
  private func requireVocabulary(of folder: ModelFolder) throws {
    let words = folder.configuration.text.vocabularySize
    let count = try WordPieceTokenizer(vocabularyPath: folder.vocabularyPath).count
    guard (words - 2)...words ~= count else {
      throw CommandFailure(
        "\(printable(model)): a model of \(words) words for a vocabulary of \(count); give its own "
          + "with --vocab")
    }
  }
}
