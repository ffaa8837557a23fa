import ArgumentParser
import BLIP
import Checkpoints
import Glibc
import Images
import Retrieval
import Training

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Adapts a model to captioned pictures.",
    discussion: """
      The folder of the run gets model folders like any other, last and best, and what the run \
      needs to go on: it can be interrupted at any moment and loses at most the steps since its \
      last checkpoint; the same command with --resume goes on bit for bit. A part of the pictures \
      is held out, and the model measured on it after every epoch.

      EXAMPLES
        blip train captions.json --images photos --out run --objective retrieval
        blip train a.json b.json --images a --images b --out run --objective pretrain --epochs 20
        blip index photos --model run/best
      """)

  @Argument(
    help: ArgumentHelp(
      "Captions of the pictures: JSON [{image, caption}] or [{image, label}], JSONL, or TSV/CSV "
        + "with a header.", valueName: "captions"))
  var captions: [String]

  @Option(
    name: .customLong("images"),
    help: ArgumentHelp(
      "The folder that the names of the pictures count from; once for every captions file.",
      valueName: "dir"))
  var folders: [String] = []

  @Option(
    name: .customLong("init"),
    help: ArgumentHelp(
      "The model to start from: a folder, or OWNER/NAME of one that blip model pull fetched "
        + "(default: the one that comes with blip).", valueName: "model"))
  var initial: String?

  @Option(help: ArgumentHelp("The folder of the run.", valueName: "dir"))
  var out: String

  @OptionGroup var recipe: RecipeOptions

  @Option(
    help: ArgumentHelp(
      "Captions to measure with, instead of a part of the pictures that is held out.",
      valueName: "file"))
  var validation: String?

  @Option(
    help: ArgumentHelp(
      "The folder of their pictures (default: that of the file).", valueName: "dir"))
  var validationImages: String?

  @Flag(help: "Go on with the run that the folder holds.")
  var resume = false

  @Option(
    help: ArgumentHelp("Write a checkpoint after so many minutes.", valueName: "minutes"))
  var checkpointMinutes = 10.0

  @Option(help: ArgumentHelp("Write a checkpoint after so many steps too.", valueName: "n"))
  var checkpointSteps: Int?

  @Option(
    help: ArgumentHelp(
      "How the models' matrices are stored: fp32, or int8 in a quarter of the room.",
      valueName: "storage"),
    transform: Self.storage)
  var weights = WeightStorage.int8

  @Option(
    help: ArgumentHelp(
      "Where to keep what a frozen stem makes of the pictures (default: in the run's folder).",
      valueName: "file"))
  var stemCache: String?

  private static func storage(_ text: String) throws -> WeightStorage {
    guard let storage = WeightStorage(rawValue: text) else {
      throw ValidationError("Choose fp32 or int8.")
    }
    return storage
  }

  func validate() throws {
    guard folders.count == captions.count else {
      throw ValidationError(
        "\(counted(captions.count, "captions file")) and \(folders.count) --images: every captions "
          + "file needs the folder of its pictures.")
    }
    if out.isEmpty { throw ValidationError("--out names no folder.") }
    if checkpointMinutes <= 0 || checkpointMinutes.isNaN {
      throw ValidationError("--checkpoint-minutes must be more than 0.")
    }
    if let checkpointSteps, checkpointSteps < 1 {
      throw ValidationError("--checkpoint-steps must be at least 1.")
    }
    if validationImages != nil, validation == nil {
      throw ValidationError("--validation-images goes with --validation.")
    }
  }

  func run() throws {
    let pictures = try CaptionedPictures(Array(zip(captions, folders)))
    if let example = pictures.example {
      Console.note(
        "\(counted(pictures.missing, "picture")) named by the captions are not there, such as "
          + "\(printable(example)); they are left out")
    }
    let model = try ModelFolder(
      path: initial.map(ModelLocation.folder) ?? BLIPModel.defaultModelPath())
    var plan = TrainingRun.Plan(
      recipe.settings(), pictures: pictures.found, model: model, folder: out)
    if let validation {
      let folder =
        validationImages ?? validation.lastIndex(of: "/").map { String(validation[...$0]) } ?? "."
      plan.validation = try CaptionedPictures([(validation, folder)]).found
    }
    plan.stemCache = stemCache
    plan.resumes = resume
    plan.storage = weights
    plan.secondsBetweenCheckpoints = checkpointMinutes * 60
    plan.stepsBetweenCheckpoints = checkpointSteps

    Interruption.watch()
    let progress = TrainingProgress(console: .error)
    let decoder = ImageDecoder()
    let run = TrainingRun(
      plan, read: { try readPicture(at: $0, decoder: decoder, side: $1) },
      shouldStop: { Interruption.signal != nil }, report: { progress.receive($0) })
    let isFinished: Bool
    do { isFinished = try run() } catch {
      progress.finish()
      throw error
    }
    progress.finish()
    guard isFinished else {
      Console.note("stopped; the same command with --resume goes on from here")
      throw ExitCode(128 + (Interruption.signal ?? SIGINT))
    }
    let best = "\(out)/best"
    if access("\(best)/config.json", F_OK) == 0 { try Console.output.write("\(best)\n") }
  }
}
