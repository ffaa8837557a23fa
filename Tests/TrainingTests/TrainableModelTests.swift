import FoundationEssentials
import Tensors
import TestSupport
import Testing

@testable import BLIP
@testable import Checkpoints
@testable import Training

/// What a model is made of, where its numbers come from, and that it computes what the model that
/// is searched with computes.
@Suite(.ownsProcess) struct TrainableModelTests {
  private let standard = Result { try ModelFolder(path: BLIPModel.defaultModelPath()) }
  private var tiny: String { "\(fixtures)/blip-tiny-training" }

  /// A checkpoint of the tiny model's tensors that pass.
  private func folder(
    leavingOut isLeftOut: (String) -> Bool
  ) throws -> (place: TemporaryFolder, folder: ModelFolder) {
    let place = TemporaryFolder()
    for file in ["config.json", "preprocessor_config.json", "vocab.txt"] {
      try FileManager.default.copyItem(atPath: "\(tiny)/\(file)", toPath: "\(place.path)/\(file)")
    }
    let weights = try ModelFolder(path: tiny).weights
    var head: [String] = []
    var bytes: [UInt8] = []
    for name in weights.names where !isLeftOut(name) {
      let shape = try #require(weights.shape(of: name))
      let values = try weights.floats(name, shape: shape)
      let end = bytes.count + 4 * values.count
      head.append(
        "\"\(name)\":{\"dtype\":\"F32\",\"shape\":\(shape),\"data_offsets\":[\(bytes.count),\(end)]}"
      )
      values.withUnsafeBytes { bytes += $0 }
    }
    let text = "{\(head.joined(separator: ","))}"
    let file =
      withUnsafeBytes(of: UInt64(text.utf8.count).littleEndian) { Array($0) }
      + Array(text.utf8) + bytes
    try Data(file).write(to: URL(filePath: "\(place.path)/model.safetensors"))
    return (place, try ModelFolder(path: place.path))
  }

  private func parameters(_ model: TrainableModel) -> [String: [Float]] {
    var model = model
    return Dictionary(
      uniqueKeysWithValues: model.takeParameters().map { ($0.name, $0.values) })
  }

  @Test func everyTensorOfTheCheckpointIsAParameter() throws {
    let folder = try ModelFolder(path: tiny)
    let parameters = parameters(try TrainableModel(folder))
    #expect(Set(parameters.keys) == Set(folder.weights.names))
    for (name, values) in parameters {
      let shape = try #require(folder.weights.shape(of: name))
      #expect(try values == folder.weights.floats(name, shape: shape), "\(name)")
    }
  }

  @Test func whatWasTakenCanBePutBack() throws {
    var model = try tinyModel()
    let taken = model.takeParameters()
    model.putParameters(taken)
    #expect(model.takeParameters() == taken)
    var zeros = try tinyModel().zeros()
    let zero = zeros.takeParameters()
    #expect(zero.map(\.name) == taken.map(\.name) && zero.map(\.shape) == taken.map(\.shape))
    #expect(zero.allSatisfy { $0.values.allSatisfy { $0 == 0 } })
  }

  @Test func aDecoderThatIsNotThereIsTheEncoder() throws {
    let (place, folder) = try folder { $0.hasPrefix("text_decoder.") || $0 == "temp" }
    defer { withExtendedLifetime(place) {} }
    let model = try TrainableModel(folder)
    let parameters = parameters(model)
    let own = "bert.encoder.layer.1.attention.self.query.weight"
    #expect(
      parameters["text_decoder.\(own)"]
        == parameters["text_encoder.encoder.layer.1.attention.self.query.weight"])
    #expect(
      parameters["text_decoder.cls.predictions.transform.LayerNorm.weight"]?.allSatisfy { $0 == 1 }
        == true)
    let dense = try #require(parameters["text_decoder.cls.predictions.transform.dense.weight"])
    #expect(dense.enumerated().allSatisfy { $0.element == ($0.offset % 25 == 0 ? 1 : 0) })
    #expect(model.temperature == 0.07)
  }

  /// A retrieval checkpoint as Hugging Face writes it has no decoder and no temperature.
  @Test func aPublishedCheckpointIsAStart() throws {
    let folder = try ModelFolder(path: TinyModel.retrieval.path)
    let model = try TrainableModel(folder)
    #expect(model.image.patchEmbedding.product.weight.isPlain)
    #expect(
      model.wordBias == [Float](repeating: 0, count: folder.configuration.text.vocabularySize))
  }

  @Test(arguments: ["itm_head.weight", "text_encoder.encoder.layer.0.crossattention.self.key.bias"])
  func aTensorThatNothingStandsInForIsNamed(name: String) throws {
    let (place, folder) = try folder { $0 == name }
    defer { withExtendedLifetime(place) {} }
    let error = #expect(throws: CheckpointError.self) { try TrainableModel(folder) }
    #expect(error?.description.contains("\"\(name)\" is missing") == true)
  }

  @Test func textsThatCannotBeRunAreRefused() throws {
    let model = try tinyModel()
    try model.check([2, 50, 99, 3])
    for text in [[], [2], [2, 100, 3], [2, -1, 3], [Int32](repeating: 2, count: 41)] {
      #expect(throws: TrainingError.self) { try model.check(text) }
    }
  }

  /// The default model, with its stem, whose weights are bytes for one and floats for the other.
  @Test(arguments: [false, true]) func aTrainableModelComputesWhatItsModelDoes(trainsStem: Bool)
    throws
  {
    let folder = try standard.get()
    let searched = try BLIPModel(folder: folder, precision: .fp32)
    let model = try TrainableModel(folder, trainsStem: trainsStem)
    let side = folder.configuration.vision.imageSize
    let maps = (0..<3).map { picture in
      FeatureMap(
        height: side, width: side,
        pixels: Matrix(
          rows: side * side, columns: 3,
          values: (0..<side * side * 3).map { Float(($0 * (7 + 6 * picture)) % 255) / 128 - 1 }))
    }
    let texts: [[Int32]] = [[101, 1037, 3899, 102], [101, 2048, 2273, 1999, 2392, 102]]
    #expect(model.frozenStemLayers == (trainsStem ? 48 : 64))
    let pictures = FeatureMap(
      joining: try maps.map {
        try #require(try searched.stemOutput(of: $0, layers: model.frozenStemLayers))
      })
    let images = model.encode(pictures: pictures, savingActivations: true)
    let few = model.encode(
      pictures: pictures, classTokenOnly: true, savingActivations: false)
    let encodings = try maps.map { try searched.encode(pixels: $0) }
    #expect(relativeError(images.features.values, encodings.flatMap(\.features.values)) < 1e-5)
    #expect(relativeError(images.embeddings.values, encodings.flatMap(\.embedding)) < 1e-5)
    #expect(relativeError(few.embeddings.values, images.embeddings.values) < 1e-5)
    let embeddings = model.encode(texts: texts, savingActivations: true).embeddings.values
    #expect(try relativeError(embeddings, searched.embed(texts: texts).flatMap { $0 }) < 1e-5)

    let cross = model.project(features: images.features, pictures: maps.count)
    let pairs = [(1, 2), (0, 0), (0, 2), (1, 1)]
    let logits = model.match(
      texts: texts, pairs: pairs.map { ($0, $1) }, cross, savingActivations: false
    ).logits
    for (index, (text, picture)) in pairs.enumerated() {
      let expected = try searched.match(text: texts[text], features: [encodings[picture].features])
      #expect(abs(logits.values[2 * index] - expected[0].noMatch) < 1e-4)
      #expect(abs(logits.values[2 * index + 1] - expected[0].match) < 1e-4)
    }
  }
}
