// blip as a contestant of `make bench-train`: runs one training step per request, like
// training/torch_training.py, with the protocol of peers/contestant.py.
//
//   training FOLDER OBJECTIVE THREADS
import BLIP
import BenchmarkSupport
import Checkpoints
import Foundation
import Tensors
import Training

guard CommandLine.arguments.count == 4,
  let objective = Objective(rawValue: CommandLine.arguments[2]),
  let threads = Int(CommandLine.arguments[3]), threads > 0
else { throw BenchmarkError("usage: training FOLDER OBJECTIVE THREADS") }
let folder = CommandLine.arguments[1]
setComputeThreads(threads)

/// The texts and stem features of a batch, as written by `training/compare.py`.
func batch() throws -> TrainingBatch {
  let texts = try JSONDecoder().decode(
    [[Int32]].self, from: Data(contentsOf: URL(fileURLWithPath: "\(folder)/texts.json")))
  let pictures = try readMatrices("\(folder)/stem.f32", rows: 49, columns: 1280)
  guard pictures.count == texts.count else {
    throw BenchmarkError("\(folder) has \(pictures.count) pictures; delete it and run again")
  }
  return TrainingBatch(
    pictures: FeatureMap(joining: pictures.map { FeatureMap(height: 7, width: 7, pixels: $0) }),
    texts: texts,
    pictureNumbers: texts.indices.map(Int32.init))
}

var settings = Trainer.Settings(objective)
settings.dropout = 0
settings.queueCapacity = 8192
var trainer = try Trainer(TrainableModel(ModelFolder(path: BLIPModel.defaultModelPath())), settings)
let pairs = try batch()

try answerRequests { _ in
  pairs.texts.count
} run: {
  let losses = try trainer.step([pairs], StepHyperparameters(rate: 1e-4, alpha: 0.4)).losses
  return [losses.contrastive, losses.matching, losses.language].map { Float($0 ?? 0) }
}
