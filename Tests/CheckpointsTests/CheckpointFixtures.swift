import Glibc
import TestSupport

@testable import Checkpoints

/// The checkpoints written by Benchmarks/fixtures/make_checkpoint_fixtures.py.
enum CheckpointFixtures {
  static let path = Checkout.fixtures(of: "CheckpointsTests")
  static let retrieval = path + "/formats/retrieval"
  static let caption = path + "/formats/caption"

  /// A folder with the small files of `model` and the given files of its weights.
  static func folder(_ model: String, _ weights: [String]) throws -> TemporaryFolder {
    let folder = TemporaryFolder()
    for name in ["config.json", "preprocessor_config.json", "vocab.txt"] + weights {
      folder.write(name, try readFile("\(model)/\(name)", limit: 1 << 20))
    }
    return folder
  }

  static func bytes(_ name: String) throws -> [UInt8] { try readFile(name, limit: 1 << 20) }
}

extension Weights {
  /// The type, shape and bytes of every tensor.
  var contents: [String: [UInt8]] {
    var contents: [String: [UInt8]] = [:]
    forEachStored { name, tensor in
      contents[name] = Array("\(tensor.type) \(tensor.shape) ".utf8) + tensor.withBytes(Array.init)
    }
    return contents
  }
}
