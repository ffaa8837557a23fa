/// How a picture is converted to the image encoder's input, from `preprocessor_config.json`: it is
/// resized to a square with Pillow's bicubic filter, and each channel c of a pixel p becomes `(p ·
/// rescaleFactor − mean[c]) / standardDeviation[c]`.
public struct Preprocessing: Sendable, Equatable, Decodable {
  /// The side of the input, in pixels.
  public let imageSize: Int
  /// Per channel: red, green, blue.
  public let mean, standardDeviation: [Float]
  /// 1/255 unless the file says otherwise.
  public let rescaleFactor: Float

  private enum CodingKeys: String, CodingKey {
    case size, resample
    case resizes = "do_resize"
    case crops = "do_center_crop"
    case pads = "do_pad"
    case rescales = "do_rescale"
    case rescaleFactor = "rescale_factor"
    case normalizes = "do_normalize"
    case mean = "image_mean"
    case standardDeviation = "image_std"
  }

  private enum SizeKeys: String, CodingKey {
    case height, width
    case shortestEdge = "shortest_edge"
  }

  /// Missing keys have the defaults of Hugging Face's `BlipImageProcessor`.
  public init(from decoder: any Decoder) throws {
    let file = try decoder.container(keyedBy: CodingKeys.self)
    imageSize = try Self.side(file)
    try file.require(.resizes, true, otherwise: "is false; pictures are always resized")
    try file.require(.crops, false, otherwise: "is true; BLIP does not crop")
    try file.require(.pads, false, otherwise: "is true; BLIP does not pad")
    try file.require(.resample, 3, otherwise: "is not 3 (bicubic), the only supported filter")
    if try file.bool(.rescales, default: true) {
      rescaleFactor = try file.float(.rescaleFactor, default: 1 / 255, in: 1e-6...1e6)
    } else {
      rescaleFactor = 1
    }
    if try file.bool(.normalizes, default: true) {
      mean = try file.floats(
        .mean, count: 3, default: [0.48145466, 0.4578275, 0.40821073], in: -1e6...1e6)
      standardDeviation = try file.floats(
        .standardDeviation, count: 3, default: [0.26862954, 0.26130258, 0.27577711], in: 1e-6...1e6)
    } else {
      mean = [0, 0, 0]
      standardDeviation = [1, 1, 1]
    }
  }

  /// Reads `size` in any of the forms that Hugging Face has used: a number, `{"height", "width"}`,
  /// or `{"shortest_edge"}`, which for BLIP has always meant the side of the square.
  private static func side(
    _ file: KeyedDecodingContainer<CodingKeys>
  ) throws(InvalidValue) -> Int {
    let range = 1...4096
    guard let size = try? file.nestedContainer(keyedBy: SizeKeys.self, forKey: .size) else {
      return try file.side(.size, default: 384, in: range)
    }
    if let side = try size.integer(.shortestEdge, in: range) { return side }
    let height = try size.required(.height, in: range)
    let width = try size.required(.width, in: range)
    guard height == width else {
      throw file.invalid(.size, "is \(height)×\(width); only squares are supported")
    }
    return height
  }
}

/// `processor_config.json`, which contains the contents of `preprocessor_config.json` as a section.
struct ProcessorFile: Decodable {
  let images: Preprocessing

  private enum CodingKeys: String, CodingKey { case images = "image_processor" }

  init(from decoder: any Decoder) throws {
    let file = try decoder.container(keyedBy: CodingKeys.self)
    images = try file.section(Preprocessing.self, .images)
  }
}
