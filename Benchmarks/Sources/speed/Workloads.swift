import BLIP
import BenchmarkSupport
import Checkpoints
import Dispatch
import Foundation
import Images
import Synchronization
import Tensors

/// A workload that every contestant can run; its outputs, flattened, are compared with PyTorch's.
struct Workload {
  /// The number of pictures or candidates per run.
  let count: Int
  /// Runs it once and returns the outputs.
  let run: () throws -> [Float]
}

extension Workload {
  /// Loads a workload.
  /// - Parameters:
  ///   - name: A name listed in `peers/workloads.py`.
  ///   - precision: The model's precision.
  ///   - threads: The number of threads to use.
  init(_ name: String, inputs: Inputs, precision: Precision, threads: Int) throws {
    setComputeThreads(threads)
    func open(_ path: String) throws -> BLIPModel {
      try BLIPModel(folder: ModelFolder(path: path), precision: precision)
    }
    func base() throws -> BLIPModel { try open("\(inputs.folder)/base") }
    func mini() throws -> BLIPModel { try open(BLIPModel.defaultModelPath()) }
    switch name {
    case "vision":
      let (model, picture) = (try base(), try inputs.picture(side: 384))
      self.init(count: 1) { try model.encode(picture).embedding }
    case "itm-pictures":
      let (model, features) = (try base(), try inputs.features())
      self.init(count: features.count) {
        try model.match(text: inputs.text, features: features).flatMap { [$0.noMatch, $0.match] }
      }
    case "itm-texts":
      let (model, features) = (try base(), try inputs.features()[0])
      self.init(count: inputs.manyTexts.count) {
        try model.match(texts: inputs.manyTexts, features: features)
          .flatMap { [$0.noMatch, $0.match] }
      }
    case "text":
      let model = try base()
      self.init(count: 1) { try model.embed(texts: [inputs.text])[0] }
    case "mini-vision":
      let (model, picture) = (try mini(), try inputs.picture(side: 224))
      self.init(count: 1) { try model.encode(picture).embedding }
    case "mini-jpegs":
      let (model, jpegs) = (try mini(), try inputs.jpegs())
      // As in the indexer, each thread processes a picture from file to embedding.
      setComputeThreads(1)
      self.init(count: jpegs.count) { try encode(jpegs, with: model, threads: threads) }
    default:
      throw BenchmarkError("unknown workload: \(name)")
    }
  }
}

/// The embeddings of picture files, decoded, resized and encoded on several threads.
private func encode(_ files: [String], with model: BLIPModel, threads: Int) throws -> [Float] {
  let next = Atomic(0)
  let results = Mutex([Result<[Float], any Error>?](repeating: nil, count: files.count))
  DispatchQueue.concurrentPerform(iterations: threads) { _ in
    let decoder = ImageDecoder()
    let side = model.folder.preprocessing.imageSize
    while true {
      let index = next.add(1, ordering: .relaxed).oldValue
      guard index < files.count else { return }
      let result = Result {
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: files[index])))
        return try model.encode(decoder.decode(bytes, forSide: side).picture).embedding
      }
      results.withLock { $0[index] = result }
    }
  }
  return try results.withLock { try $0.flatMap { try $0?.get() ?? [] } }
}
