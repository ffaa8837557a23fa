internal import Captions
internal import Checkpoints
internal import Digests
internal import FoundationEssentials
internal import Glibc

/// The progress of a run: all that is needed to resume it bit for bit, in one file that is replaced
/// atomically.
struct RunState: Codable {
  /// The format of the file.
  var format = RunState.format
  /// How the run trains.
  var settings: RunSettings
  /// Identifies the initial model and the pictures.
  var data: String
  /// The epoch, from 0, and the number of its steps made; if all are, it is evaluated next.
  var epoch = 0
  var stepsOfEpoch = 0

  static let format = "blip training state 2"

  /// Writes the state of a run.
  func write(_ trainer: inout Trainer, to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let metadata = ["run": String(decoding: try encoder.encode(self), as: UTF8.self)]
    let parameters = trainer.model.takeParameters()
    trainer.model.putParameters(parameters)
    let tensors =
      parameters.map {
        TensorToWrite(name: "network.\($0.name)", shape: $0.shape, content: .floats($0.values))
      }
      + trainer.state().map {
        TensorToWrite(name: $0.name, shape: $0.shape, content: .floats($0.values))
      }
    try writeSafetensors(tensors, metadata: metadata, to: path)
  }

  /// Reads the progress of the run at `path`; nil if there is none.
  static func read(_ path: String) throws -> RunState? {
    guard access(path, F_OK) == 0 else { return nil }
    guard let run = try safetensorsMetadata(path)["run"],
      let state = try? JSONDecoder().decode(RunState.self, from: Data(run.utf8)),
      state.format == format
    else {
      throw TrainingError(
        "\(path): not the state of a run that this version can resume; use another directory",
        remedy: .anotherDirectory)
    }
    return state
  }

  /// Restores a trainer to what it was when the state was written.
  static func restore(_ trainer: inout Trainer, from path: String) throws {
    let weights = try Weights(file: path)
    var parameters = trainer.model.takeParameters()
    for index in parameters.indices {
      let name = "network.\(parameters[index].name)"
      parameters[index].values = try weights.floats(name, shape: parameters[index].shape)
    }
    trainer.model.putParameters(parameters)
    try trainer.restore { name, shape in try weights.floats(name, shape: shape) }
  }

  /// Identifies a set of pictures and an initial model.
  static func digest(of pictures: [CaptionedPicture], model: String) -> String {
    var digest = SHA256()
    var all = "\(model)\n"
    for picture in pictures {
      all +=
        "\(picture.path)\n\(picture.label ?? "")\n\(picture.captions.joined(separator: "\n"))\n"
    }
    all.withUTF8 { digest.update(UnsafeRawBufferPointer($0)) }
    return hexadecimal(digest.finish())
  }
}
