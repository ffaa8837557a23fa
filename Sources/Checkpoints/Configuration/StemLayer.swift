/// A layer of a convolutional stem, as `vision_config.stem.layers` lists it. Its output has a bias,
/// then the output of the layer `add`, then a ReLU6 where `relu6` says so.
public struct StemLayer: Sendable, Equatable, Decodable {
  /// A full convolution, one channel by channel, or a matrix product over the channels.
  public enum Kind: String, Sendable, Decodable { case conv, depthwise, pointwise }

  /// The kind of the layer.
  public let kind: Kind
  /// Channels in; the layer before has as many out, the first layer 3.
  public let inputs: Int
  /// Channels out; as many as in for a depthwise layer.
  public let outputs: Int
  /// Pixels on a side of the kernel; 1 for a pointwise layer.
  public let kernel: Int
  /// Pixels between two applications of the kernel; 1 for a pointwise layer.
  public let stride: Int
  /// Zeros around the input: top, left, bottom, right.
  public let padding: [Int]
  /// Whether the output is clamped to 0…6.
  public let relu6: Bool
  /// The earlier layer whose output, of the same shape, is added before the ReLU6.
  public let add: Int?

  private enum CodingKeys: String, CodingKey {
    case kind, kernel, stride, relu6, add
    case inputs = "in"
    case outputs = "out"
    case padding = "pad"
  }

  /// Reads a layer by itself; `check` looks at how layers fit.
  public init(from decoder: any Decoder) throws {
    let file = try decoder.container(keyedBy: CodingKeys.self)
    let unknown = "is none of conv, depthwise, pointwise"
    guard let kind = try file.value(Kind.self, .kind, otherwise: unknown) else {
      throw file.refuse(.kind, unknown)
    }
    self.kind = kind
    inputs = try file.required(.inputs, in: 1...widest)
    outputs = try file.required(.outputs, in: 1...widest)
    kernel = try file.required(.kernel, in: 1...(kind == .pointwise ? 1 : 31))
    stride = try file.required(.stride, in: 1...(kind == .pointwise ? 1 : 31))
    let misshapen = "is not a list of 4 whole numbers"
    padding = try file.value([Int].self, .padding, otherwise: misshapen) ?? []
    guard padding.count == 4 else { throw file.refuse(.padding, misshapen) }
    let allowed = 0...(kind == .pointwise ? 0 : 31)
    guard padding.allSatisfy(allowed.contains) else {
      throw file.refuse(.padding, "holds something else than whole numbers in \(allowed)")
    }
    relu6 = try file.bool(.relu6, default: false)
    add = try file.integer(.add, in: 0...512)
    guard kind != .depthwise || inputs == outputs else {
      throw file.refuse(
        .outputs, "is \(outputs) for \(inputs) in; a depthwise layer has as many out")
    }
  }

  /// Walks a square of `imageSize` pixels and 3 channels through the layers: each takes what the
  /// one before gives, `add` finds the same shape, and what leaves the last is `patches` on a side.
  static func check(
    _ layers: [StemLayer], at path: [any CodingKey], imageSize: Int, patches: Int
  ) throws(Refusal) {
    var shapes: [[Int]] = []
    var shape = [3, imageSize, imageSize]
    for (index, layer) in layers.enumerated() {
      func refuse(_ reason: String) -> Refusal {
        Refusal(path + ["layers".codingKey, index.codingKey], reason)
      }
      guard layer.inputs == shape[0] else {
        throw refuse("takes \(layer.inputs) channels where \(shape[0]) come in")
      }
      let height = shape[1] + layer.padding[0] + layer.padding[2] - layer.kernel
      let width = shape[2] + layer.padding[1] + layer.padding[3] - layer.kernel
      guard height >= 0, width >= 0 else { throw refuse("has a kernel larger than its input") }
      shape = [layer.outputs, height / layer.stride + 1, width / layer.stride + 1]
      guard shape[0] * shape[1] * shape[2] <= 1 << 28 else {
        throw refuse("gives \(shape) numbers")
      }
      if let add = layer.add {
        guard add < index else { throw refuse("adds layer \(add), which is not before it") }
        guard shapes[add] == shape else {
          throw refuse("adds layer \(add) of shape \(shapes[add]) to its own \(shape)")
        }
      }
      shapes.append(shape)
    }
    guard shape[1] == patches, shape[2] == patches else {
      throw Refusal(
        path, "gives \(shape[1])×\(shape[2]) places where image_size / patch_size is \(patches)")
    }
  }
}

/// The section `stem`.
struct Stem: Decodable {
  let layers: [StemLayer]

  private enum CodingKeys: CodingKey { case layers }

  init(from decoder: any Decoder) throws {
    let file = try decoder.container(keyedBy: CodingKeys.self)
    layers = try file.decodeIfPresent([StemLayer].self, forKey: .layers) ?? []
    guard 1...512 ~= layers.count else {
      throw file.refuse(.layers, "is not a list of 1 to 512 layers")
    }
  }
}
