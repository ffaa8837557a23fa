import ArgumentParser
import BLIP
import Captions
import Checkpoints
import Files
import Glibc
import Images
import Retrieval
import Tensors
import Training

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Fine-tune or pre-train a model on captioned pictures.",
    discussion: """
      EXAMPLES
        blip train captions.json --images photos --out run
        blip train a.json b.json --images a --images b --out run --epochs 20
        blip train captions.json --images photos --out run --objective pretrain
        blip index photos --model run/best

      Part of the pictures is held out, and the model is evaluated on it after every epoch. The \
      run directory gets two model folders, last and best, and checkpoints: a run can be \
      interrupted at any time and loses at most the steps since its last checkpoint. The same \
      command with --resume continues it, with bitwise identical results.
      """)

  @Argument(
    help: ArgumentHelp(
      "Captions files: JSON of COCO, Karpathy, [{image, caption}] or [{image, label}], JSONL, TSV "
        + "or CSV with a header, or files of Flickr8k or Flickr30k.",
      valueName: "captions"))
  var captions: [String]

  @OptionGroup var options: TrainingOptions

  func validate() throws {
    let folders = options.data.images.count
    guard folders == captions.count else {
      throw ValidationError(
        "Give one --images per captions file: there are "
          + "\(counted(captions.count, "captions file")) and \(folders) --images.")
    }
  }

  func run() throws {
    let pictures = try CaptionedPictures(Array(zip(captions, options.data.images)))
    for warning in pictures.warnings { Console.note(printable(warning)) }
    if let example = pictures.example {
      Console.note(
        "skipped \(counted(pictures.missing, "picture")) named in the captions that do not exist, "
          + "such as \(printable(example))")
    }
    let model = try ModelFolder(
      path: options.model.initial.map(ModelLocation.folder) ?? BLIPModel.defaultModelPath())
    var plan = TrainingRun.Plan(
      options.settings(), pictures: pictures.found, model: model, folder: options.run.out)
    if let validation = options.data.validation {
      let folder =
        options.data.validationImages ?? validation.lastIndex(of: "/").map {
          String(validation[...$0])
        } ?? "."
      let held = try CaptionedPictures([(validation, folder)])
      for warning in held.warnings { Console.note(printable(warning)) }
      plan.validation = held.found
    }
    plan.stemCache = options.data.stemCache
    plan.resumes = options.run.resume
    plan.storage = options.run.weights
    plan.secondsBetweenCheckpoints = options.run.checkpointMinutes * 60
    plan.stepsBetweenCheckpoints = options.run.checkpointSteps

    if let warning = ComputeReport.current.warning { Console.note(warning) }
    Interruption.watch()
    let progress = TrainingProgress(console: .error)
    let decoder = DecodeCommand.decoder
    let run = TrainingRun(
      plan, read: { try decoder.picture(at: Array($0.utf8), forSide: $1) },
      shouldStop: Interruption.isRequested, report: { progress.receive($0) })
    let isFinished: Bool
    do { isFinished = try run() } catch let error as TrainingError {
      progress.finish()
      throw CommandFailure(error.description + (error.remedy.map { " (\($0.options))" } ?? ""))
    } catch {
      progress.finish()
      throw error
    }
    progress.finish()
    guard isFinished else {
      throw Interruption.stopped("to continue, run the same command with --resume")
    }
    let best = "\(options.run.out)/best"
    if access("\(best)/config.json", F_OK) == 0 { try Console.output.write("\(best)\n") }
  }
}

extension TrainingError.Remedy {
  /// The options of `blip train` that it stands for.
  fileprivate var options: String {
    switch self {
    case .resuming: "--resume"
    case .anotherDirectory: "--out"
    case .smallerSteps: "--lr, --clip"
    case .fewerViews: "--views"
    }
  }
}
