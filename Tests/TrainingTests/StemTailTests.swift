import BLIP
import Foundation
import Images
import Tensors
import Testing

@testable import Checkpoints
@testable import Training

/// The layers of a convolutional stem that are trained.
@Suite struct StemTailTests {
  private struct Description {
    var kind: String
    var inputs = 4
    var outputs = 4
    var kernel = 1
    var stride = 1
    var padding = [0, 0, 0, 0]
    var clamps = false
    var add: Int?
  }

  private func stem(_ layers: [Description]) throws -> [StemLayer] {
    try layers.map { layer in
      let json: [String: Any] = [
        "kind": layer.kind, "in": layer.inputs, "out": layer.outputs, "kernel": layer.kernel,
        "stride": layer.stride, "pad": layer.padding, "relu6": layer.clamps,
        "add": layer.add ?? NSNull(),
      ]
      return try JSONDecoder().decode(
        StemLayer.self, from: JSONSerialization.data(withJSONObject: json))
    }
  }

  /// A picture halved, then an inverted bottleneck of each size of kernel with its residual, and a
  /// layer that ends in a ReLU6.
  private var small: [Description] {
    func bottleneck(kernel: Int, adding: Int) -> [Description] {
      [
        Description(kind: "pointwise", outputs: 6, clamps: true),
        Description(
          kind: "depthwise", inputs: 6, outputs: 6, kernel: kernel,
          padding: [Int](repeating: kernel / 2, count: 4), clamps: true),
        Description(kind: "pointwise", inputs: 6, add: adding),
      ]
    }
    return [
      Description(kind: "conv", inputs: 3, kernel: 3, stride: 2, padding: [0, 0, 1, 1])
    ] + bottleneck(kernel: 3, adding: 0) + bottleneck(kernel: 5, adding: 3)
      + [Description(kind: "pointwise", outputs: 5, clamps: true)]
  }

  @Test func beginsBehindTheNarrowestMapOfFullDepth() throws {
    #expect(StemTail.start(of: try stem(small)) == 1)
    // What a layer adds has to be in the tail, or what the tail is given.
    var layers = small
    layers[3].outputs = 2
    layers[3].add = nil
    layers[4].inputs = 2
    layers[6].add = 0
    #expect(StemTail.start(of: try stem(layers)) == 1)
    layers[6].add = nil
    #expect(StemTail.start(of: try stem(layers)) == 4)
    // Nothing behind the last layer that shrinks the picture.
    #expect(StemTail.start(of: try stem(Array(small.prefix(1)))) == nil)
    let standard = try ModelFolder(path: BLIPModel.defaultModelPath()).configuration.vision.stem
    #expect(StemTail.start(of: try #require(standard)) == 48)
  }

  @Test func aTailsNumbersAreToldFromThoseBefore() {
    #expect(StemTail.has("vision_model.embeddings.stem.47.weight", before: 48))
    #expect(!StemTail.has("vision_model.embeddings.stem.48.weight", before: 48))
    #expect(!StemTail.has("vision_model.embeddings.position_embedding", before: 48))
  }

  /// Is shown every parameter, by its name and with how many numbers it has, and gives it others.
  private struct Change: ParameterVisitor {
    let change: (_ name: String, _ values: [Float], _ count: Int) -> [Float]

    func visit(_ name: String, _ shape: [Int], _ values: inout [Float]) {
      values = change(name, values, shape.reduce(1, *))
    }

    func visit(_ name: String, _ shape: [Int], _ matrix: inout PackedMatrix) {
      matrix.load(plain: change(name, matrix.floats, shape.reduce(1, *)))
    }
  }

  /// Every parameter's gradient against central differences of what the layers give.
  @Test func gradientsAreDifferences() throws {
    var draws = SeededDraws(8)
    func numbers(_ count: Int) -> [Float] {
      (0..<count).map { _ in Float(draws.uniform(in: -1...1)) }
    }
    func matrix(_ columns: Int) -> Matrix {
      Matrix(rows: 2 * 25, columns: columns, values: numbers(2 * 25 * columns))
    }
    func changed(_ tail: StemTail, _ change: @escaping (String, [Float], Int) -> [Float]) throws
      -> StemTail
    {
      var (tail, visitor) = (tail, Change(change: change))
      try tail.forEachParameter(&visitor)
      return tail
    }
    let tail = try changed(#require(StemTail(stem(small), side: 5))) { numbers($2) }
    let (x, dOutput) = (matrix(4), matrix(5))
    func loss(_ tail: StemTail) -> Double {
      zip(tail(x).last!.values, dOutput.values).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    var gradient = try changed(tail) { _, _, count in [Float](repeating: 0, count: count) }
    let outputs = tail(x)
    tail.backward(dOutput, of: x, outputs, into: &gradient)
    var found: [(name: String, values: [Float])] = []
    _ = try changed(gradient) { name, values, _ in
      found.append((name, values))
      return values
    }
    #expect(found.count == 14)
    #expect(outputs.count == 7 && outputs[6].columns == 5)
    // Some of what every ReLU6 gives is cut off, and some is not.
    for index in [0, 1, 3, 4, 6] {
      let cut = outputs[index].values.count { $0 == 0 || $0 == 6 }
      #expect(0 < cut && cut < outputs[index].values.count)
    }
    let step: Float = 1.0 / 1024
    for (name, values) in found {
      let differences = try values.indices.map { index in
        func moved(_ step: Float) throws -> Double {
          loss(
            try changed(tail) { other, values, _ in
              var values = values
              if other == name { values[index] += step }
              return values
            })
        }
        return Float(try (moved(step) - moved(-step)) / (2 * Double(step)))
      }
      #expect(relativeError(values, differences) < 0.01, "\(name)")
    }
  }
}
