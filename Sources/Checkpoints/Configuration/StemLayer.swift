/// A layer of a convolutional stem, as listed in `vision_config.stem.layers`. To its output are
/// added a bias and the output of the layer `add`, if given; then a ReLU6 is applied if `relu6` is
/// true.
public struct StemLayer: Sendable, Equatable, Decodable {
  /// A full convolution, a depthwise convolution, or a 1 × 1 convolution.
  public enum Kind: String, Sendable, Decodable { case conv, depthwise, pointwise }

  /// The kind of the layer.
  public let kind: Kind
  /// The number of input channels: the previous layer's outputs; 3 for the first layer.
  public let inputs: Int
  /// The number of output channels: equal to `inputs` for a depthwise layer.
  public let outputs: Int
  /// The side of the kernel, in pixels; 1 for a pointwise layer.
  public let kernel: Int
  /// The stride, in pixels; 1 for a pointwise layer.
  public let stride: Int
  /// Zero padding of the input, in pixels: top, left, bottom, right.
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

  /// Reads a layer; `check` validates how layers fit together.
  public init(from decoder: any Decoder) throws {
    let file = try decoder.container(keyedBy: CodingKeys.self)
    let unknown = "is not conv, depthwise or pointwise"
    guard let kind = try file.value(Kind.self, .kind, otherwise: unknown) else {
      throw file.invalid(.kind, unknown)
    }
    self.kind = kind
    inputs = try file.required(.inputs, in: 1...maximumWidth)
    outputs = try file.required(.outputs, in: 1...maximumWidth)
    kernel = try file.required(.kernel, in: 1...(kind == .pointwise ? 1 : 31))
    stride = try file.required(.stride, in: 1...(kind == .pointwise ? 1 : 31))
    let malformed = "is not a list of 4 integers"
    padding = try file.value([Int].self, .padding, otherwise: malformed) ?? []
    guard padding.count == 4 else { throw file.invalid(.padding, malformed) }
    let allowed = 0...(kind == .pointwise ? 0 : 31)
    guard padding.allSatisfy(allowed.contains) else {
      throw file.invalid(.padding, "contains values other than integers in \(allowed)")
    }
    relu6 = try file.bool(.relu6, default: false)
    add = try file.integer(.add, in: 0...512)
    guard kind != .depthwise || inputs == outputs else {
      throw file.invalid(
        .outputs, "is \(outputs) but in is \(inputs); they must be equal for a depthwise layer")
    }
  }

  /// Checks the shapes through the layers, from a square of `imageSize` pixels and 3 channels: each
  /// layer's input must match the previous output, `add` must refer to an output of the same shape,
  /// and the last output must be `patches` on a side.
  static func check(
    _ layers: [StemLayer], at path: [any CodingKey], imageSize: Int, patches: Int
  ) throws(InvalidValue) {
    var shapes: [[Int]] = []
    var shape = [3, imageSize, imageSize]
    for (index, layer) in layers.enumerated() {
      func invalid(_ reason: String) -> InvalidValue {
        InvalidValue(path + ["layers".codingKey, index.codingKey], reason)
      }
      guard layer.inputs == shape[0] else {
        throw invalid("takes \(layer.inputs) input channels but gets \(shape[0])")
      }
      let height = shape[1] + layer.padding[0] + layer.padding[2] - layer.kernel
      let width = shape[2] + layer.padding[1] + layer.padding[3] - layer.kernel
      guard height >= 0, width >= 0 else { throw invalid("has a kernel larger than its input") }
      shape = [layer.outputs, height / layer.stride + 1, width / layer.stride + 1]
      guard shape[0] * shape[1] * shape[2] <= 1 << 28 else {
        throw invalid("has an output of shape \(shape), which is too large")
      }
      if let add = layer.add {
        guard add < index else { throw invalid("adds layer \(add), which is not before it") }
        guard shapes[add] == shape else {
          throw invalid("adds layer \(add) of shape \(shapes[add]) to its own \(shape)")
        }
      }
      shapes.append(shape)
    }
    guard shape[1] == patches, shape[2] == patches else {
      throw InvalidValue(
        path, "has an output of \(shape[1])×\(shape[2]), but image_size / patch_size is \(patches)")
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
      throw file.invalid(.layers, "is not a list of 1 to 512 layers")
    }
  }
}
