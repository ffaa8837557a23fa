import BLIP
import Foundation
import Tensors
import Testing

@testable import Checkpoints
@testable import Training

/// The layers of a convolutional stem that are trained.
@Suite struct TrainableStemTests {
  /// A picture halved, then two bottlenecks with residuals, and a layer that ends in a ReLU6.
  private let small: [[String: Any]]

  init() throws {
    let json = try Data(contentsOf: URL(fileURLWithPath: "\(fixtures)/stem.json"))
    small = try #require(try JSONSerialization.jsonObject(with: json) as? [[String: Any]])
  }

  private func stem(_ layers: [[String: Any]]) throws -> [StemLayer] {
    try JSONDecoder().decode(
      [StemLayer].self, from: JSONSerialization.data(withJSONObject: layers))
  }

  @Test func beginsBehindTheNarrowestMapOfFullDepth() throws {
    #expect(ConvolutionalStem.firstTrainableLayer(of: try stem(small)) == 1)
    // What a layer adds has to be in the tail, or what the tail is given.
    var layers = small
    layers[3].merge(["out": 2, "add": NSNull()]) { $1 }
    layers[4]["in"] = 2
    layers[6]["add"] = 0
    #expect(ConvolutionalStem.firstTrainableLayer(of: try stem(layers)) == 1)
    layers[6]["add"] = NSNull()
    #expect(ConvolutionalStem.firstTrainableLayer(of: try stem(layers)) == 4)
    // Nothing is behind the last layer that shrinks the picture.
    #expect(ConvolutionalStem.firstTrainableLayer(of: try stem(Array(small.prefix(1)))) == nil)
    let standard = try ModelFolder(path: BLIPModel.defaultModelPath()).configuration.vision.stem
    #expect(ConvolutionalStem.firstTrainableLayer(of: try #require(standard)) == 48)
  }

  @Test func aTailsParametersAreToldFromThoseBefore() {
    #expect(ConvolutionalStem.has("vision_model.embeddings.stem.47.weight", before: 48))
    #expect(!ConvolutionalStem.has("vision_model.embeddings.stem.48.weight", before: 48))
    #expect(!ConvolutionalStem.has("vision_model.embeddings.position_embedding", before: 48))
  }

  /// Shows every parameter to a reader, whose numbers it gets.
  private struct Reader: ParameterVisitor {
    let read: (_ name: String, _ values: [Float], _ count: Int) throws -> [Float]

    func visit(_ name: String, _ shape: [Int], _ values: inout [Float]) throws {
      values = try read(name, values, shape.reduce(1, *))
    }

    func visit(_ name: String, _ shape: [Int], _ matrix: inout PackedMatrix) throws {
      matrix.load(plain: try read(name, matrix.floats, shape.reduce(1, *)))
    }
  }

  @Test func outputAndGradientsArePyTorchs() throws {
    let reference = try Reference("stem.safetensors")
    func maps(_ name: String) throws -> FeatureMap {
      FeatureMap(joining: try reference.pictures(name))
    }
    var tail = try ConvolutionalStem(stem(small), from: 1, imageSize: 10)
    var weights = Reader { name, _, _ in try reference.floats(name) }
    try tail.forEachParameter("vision_model.embeddings.stem", &weights)
    var gradient = tail
    var zeros = Reader { _, _, count in [Float](repeating: 0, count: count) }
    try gradient.forEachParameter("vision_model.embeddings.stem", &zeros)

    let x = try maps("x")
    var activations = ConvolutionalStem.Activations()
    tail(x, &activations)
    // Sharing buffers or not, the output is the same.
    let shared = activations.output
    activations = ConvolutionalStem.Activations()
    tail(x, savingActivations: true, &activations)
    #expect(activations.output == shared)
    #expect(
      try relativeError(activations.output.pixels.values, maps("output").pixels.values) < 1e-6)
    try tail.backward(maps("d_output").pixels, of: x, activations, into: &gradient)
    var names: Set<String> = []
    var comparison = Reader { name, found, _ in
      names.insert(name)
      let error = relativeError(found, try reference.floats("gradient.\(name)"))
      #expect(error < 1e-5, "\(name)")
      return found
    }
    try gradient.forEachParameter("vision_model.embeddings.stem", &comparison)
    #expect(names.count == 2 * 7)
  }
}
