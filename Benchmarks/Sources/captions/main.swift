// blip as a contestant of captions/compare.py: captions pictures from given features on request,
// like captions/torch_captions.py, with the protocol of peers/contestant.py.
//
//   captions FOLDER PRECISION THREADS
import BLIP
import BenchmarkSupport
import Checkpoints
import Foundation
import Tensors

guard CommandLine.arguments.count == 4,
  let precision = Precision(rawValue: CommandLine.arguments[2]),
  let threads = Int(CommandLine.arguments[3]), threads > 0
else { throw BenchmarkError("usage: captions FOLDER PRECISION THREADS") }
let folder = CommandLine.arguments[1]
setComputeThreads(threads)

let model = try BLIPModel(
  folder: ModelFolder(path: "\(folder)/model"), precision: precision, use: .captions)

/// The patch features written by captions/compare.py.
func pictures() throws -> [Matrix] {
  let configuration = model.folder.configuration
  let side = configuration.vision.imageSize / configuration.vision.patchSize
  return try readMatrices(
    "\(folder)/features.f32", rows: 1 + side * side, columns: configuration.vision.hiddenSize)
}

let features = try pictures()
var settings = GenerationSettings()

try answerRequests { work in
  settings.method = work == "greedy" ? .greedy : .beams(BeamSettings(count: 3))
  return features.count
} run: {
  try model.captions(of: features, settings).flatMap { caption in
    (0..<settings.maximumLength).map {
      $0 < caption.tokens.count ? Float(caption.tokens[$0]) : 0
    }
  }
}
