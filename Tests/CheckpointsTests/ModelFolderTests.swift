import Glibc
import TestSupport
import Testing

@testable import Checkpoints

private let preprocessor = #"{"size": {"height": 384, "width": 384}}"#
private let tensors = [("a", "F32", [2], bytes([1, 2])), ("b", "F32", [1], bytes([3]))]

private func makeFolder(
  config: String = "{}", preprocessor: String = preprocessor, vocabulary: String? = "[PAD]\n"
) -> TemporaryFolder {
  let folder = TemporaryFolder()
  folder.write("config.json", config.utf8)
  folder.write("preprocessor_config.json", preprocessor.utf8)
  if let vocabulary { folder.write("vocab.txt", vocabulary.utf8) }
  folder.write("model.safetensors", safetensors(tensors))
  return folder
}

private func errorMessage(_ folder: TemporaryFolder) -> String {
  do {
    _ = try ModelFolder(path: folder.path)
    return "accepted"
  } catch { return error.description }
}

@Suite struct ModelFolderTests {
  @Test func missingKeysHaveHuggingFaceDefaults() throws {
    let model = try ModelFolder(path: makeFolder().path)
    let vision = model.configuration.vision
    #expect(vision.imageSize == 384 && vision.patchSize == 16 && vision.hiddenSize == 768)
    #expect(vision.intermediateSize == 3072 && vision.layers == 12 && vision.heads == 12)
    #expect(vision.layerNormEpsilon == 1e-5 && vision.stem == nil)
    let text = model.configuration.text
    #expect(text.vocabularySize == 30524 && text.hiddenSize == 768 && text.heads == 8)
    #expect(text.encoderHiddenSize == 768 && text.intermediateSize == 3072 && text.layers == 12)
    #expect(text.maximumPositions == 512 && text.layerNormEpsilon == 1e-12)
    #expect(text.decoderToken == 30522 && text.encoderToken == 30523)
    #expect(text.separatorToken == 102 && text.paddingToken == 0)
    #expect(model.configuration.embeddingSize == 256 && model.configuration.rerankDepth == nil)
    #expect(model.preprocessing.mean == [0.48145466, 0.4578275, 0.40821073])
    #expect(model.preprocessing.standardDeviation == [0.26862954, 0.26130258, 0.27577711])
    #expect(model.preprocessing.rescaleFactor == 1 / 255 && model.preprocessing.imageSize == 384)
  }

  @Test func aCachedSnapshotIsNamedAfterItsRepository() throws {
    let folder = makeFolder()
    let snapshot = "\(folder.path)/models--some--blip-base/snapshots/0123"
    for part in ["/models--some--blip-base", "/models--some--blip-base/snapshots"] {
      mkdir(folder.path + part, 0o755)
    }
    symlink(folder.path, snapshot)
    #expect(try ModelFolder(path: snapshot).name == "some/blip-base")
    #expect(try ModelFolder(path: "\(snapshot)/./").name == "some/blip-base")
    #expect(try ModelFolder(path: folder.path).name == folder.path.split(separator: "/").last!)
  }

  @Test func theTextEncoderTakesTheImageEncodersWidth() throws {
    let folder = makeFolder(
      config: """
        {"vision_config": {"hidden_size": 64, "num_attention_heads": 4},
         "text_config": {"encoder_hidden_size": 768}, "blip": {"rerank_depth": 32, "itc_weight": 7.5}}
        """)
    let configuration = try ModelFolder(path: folder.path).configuration
    #expect(configuration.text.encoderHiddenSize == 64)
    #expect(configuration.rerankDepth == 32 && configuration.itcWeight == 7.5)
  }

  @Test(arguments: [
    (#"{"model_type": "bert"}"#, "model_type is not \"blip\""),
    (#"{"text_config": []}"#, "text_config is not an object"),
    (#"{"text_config": {"num_attention_heads": 7}}"#, "text_config.num_attention_heads 7 does not"),
    (#"{"text_config": {"hidden_size": 0}}"#, "text_config.hidden_size is 0"),
    (#"{"text_config": {"hidden_size": -1}}"#, "text_config.hidden_size is -1"),
    (#"{"text_config": {"hidden_size": 1.5}}"#, "text_config.hidden_size is not an integer"),
    (#"{"text_config": {"hidden_size": "768"}}"#, "text_config.hidden_size is not an integer"),
    (#"{"text_config": {"num_hidden_layers": 1000000000}}"#, "num_hidden_layers is 1000000000"),
    (#"{"text_config": {"vocab_size": 30522}}"#, "text_config.bos_token_id is 30522"),
    (#"{"text_config": {"enc_token_id": 30524}}"#, "text_config.enc_token_id is 30524"),
    (#"{"text_config": {"hidden_act": "relu"}}"#, "text_config.hidden_act is not \"gelu\""),
    (#"{"text_config": {"layer_norm_eps": -1}}"#, "text_config.layer_norm_eps is -1"),
    (
      #"{"vision_config": {"image_size": [384, 224]}}"#,
      "vision_config.image_size is not the side of a square"
    ),
    (#"{"vision_config": {"patch_size": 17}}"#, "patch_size 17 does not divide 384"),
    (#"{"vision_config": {"patch_size": 1}}"#, "patch_size 1 does not divide 384"),
    (#"{"vision_config": {"num_attention_heads": 0}}"#, "num_attention_heads is 0"),
    (#"{"vision_config": {"image_size": 224}}"#, "size is 384 pixels, but the encoder takes 224"),
    (#"{"image_text_hidden_size": 0}"#, "image_text_hidden_size is 0"),
    (#"{"blip": {"rerank_depth": -1}}"#, "blip.rerank_depth is -1"),
    (#"{"blip": {"itc_weight": -1}}"#, "blip.itc_weight is -1"),
    (#"{"blip": {"calibration": {}}}"#, "blip.calibration.sentences is missing"),
    (#"{"blip": {"calibration": 3}}"#, "blip.calibration is not an object"),
    (
      #"{"blip": {"calibration": {"sentences": {"reranked": {"match": -1, "cosine": 1}}}}}"#,
      "blip.calibration.sentences.reranked.match is -1"
    ),
    (
      #"{"blip": {"calibration": {"sentences": {"reranked": {"bias": 1}}}}}"#,
      "blip.calibration.sentences.reranked has no weight above 0"
    ),
    (
      #"{"blip": {"calibration": {"sentences": {"reranked": {"cosine": 1e400}}}}}"#,
      "blip.calibration.sentences.reranked.cosine"
    ),
    (
      #"{"blip": {"calibration": {"sentences": {"reranked": {"cosine": 1}, "by_cosine": {"cosine": 1}, "floor": 2}}}}"#,
      "blip.calibration.sentences.floor is 2"
    ),
    (
      #"{"blip": {"calibration": {"sentences": {"reranked": {"cosine": 1}, "by_cosine": {"cosine": 1}, "words": {"reranked": {"score": -1}, "by_cosine": {}}}}}}"#,
      "blip.calibration.sentences.words.reranked.score is -1"
    ),
    (
      #"{"blip": {"calibration": {"sentences": {"reranked": {"cosine": 1}}}}}"#,
      "blip.calibration.sentences.by_cosine is missing"
    ),
    (#"{"text_config": {"hidden_size": 1e400}}"#, "text_config.hidden_size is not an integer"),
    (#"{"text_config": {"layer_norm_eps": "0"}}"#, "text_config.layer_norm_eps is not a number"),
    (#"{"vision_config": {"stem": {"layers": {}}}}"#, "vision_config.stem.layers is not a list"),
    (#"{"vision_config": {"stem": {"layers": [7]}}}"#, "vision_config.stem.layers[0] is not an"),
    (String(repeating: "[", count: 100_000), "not JSON"),
    ("{\"x\":" + String(repeating: "[", count: 100_000), "not JSON"),
    ("{", "not JSON"), ("[]", "not a JSON object"), ("", "not JSON"),
  ])
  func invalidConfigurationIsRejected(config: String, reason: String) {
    let message = errorMessage(makeFolder(config: config))
    #expect(message.contains(reason), "\(message)")
  }

  @Test(arguments: [
    #"{"size": 384}"#, #"{"size": [384, 384]}"#, #"{"size": {"shortest_edge": 384}}"#, "{}",
    #"{"size": {"height": 384, "width": 384}, "do_pad": null, "do_center_crop": false}"#,
  ])
  func everyFormOfSizeIsRead(preprocessor: String) throws {
    let folder = makeFolder(preprocessor: preprocessor)
    #expect(try ModelFolder(path: folder.path).preprocessing.imageSize == 384)
  }

  @Test func disabledStepsHaveNoEffect() throws {
    let folder = makeFolder(preprocessor: #"{"do_rescale": false, "do_normalize": false}"#)
    let preprocessing = try ModelFolder(path: folder.path).preprocessing
    #expect(preprocessing.rescaleFactor == 1 && preprocessing.mean == [0, 0, 0])
    #expect(preprocessing.standardDeviation == [1, 1, 1])
  }

  @Test(arguments: [
    (#"{"do_resize": false}"#, "do_resize"), (#"{"do_center_crop": true}"#, "do_center_crop"),
    (#"{"resample": 2}"#, "resample is not 3"), (#"{"do_rescale": 1}"#, "do_rescale"),
    (#"{"size": {"height": 384, "width": 224}}"#, "size is 384×224"),
    (#"{"size": {"longest_edge": 384}}"#, "size.height is missing"),
    (#"{"image_std": [1, 0, 1]}"#, "image_std contains 0"),
    (#"{"image_mean": [1, 0]}"#, "image_mean is not a list of 3"),
    (#"{"rescale_factor": 0}"#, "rescale_factor is 0"),
  ])
  func unsupportedPreprocessingIsRejected(preprocessor: String, reason: String) {
    let message = errorMessage(makeFolder(preprocessor: preprocessor))
    #expect(message.contains("preprocessor_config.json: \(reason)"), "\(message)")
  }

  @Test func aNewerProcessorFileIsRead() throws {
    let folder = makeFolder()
    unlink("\(folder.path)/preprocessor_config.json")
    #expect(errorMessage(folder).contains("contains no preprocessor_config.json"))
    folder.write("processor_config.json", #"{"image_processor": {"image_std": [1, 1, 2]}}"#.utf8)
    #expect(try ModelFolder(path: folder.path).preprocessing.standardDeviation == [1, 1, 2])
  }

  @Test func eitherVocabularyFileIsUsed() throws {
    let folder = makeFolder(vocabulary: nil)
    #expect(try ModelFolder(path: folder.path).vocabularyPath == "\(folder.path)/vocab.txt")
    folder.write("tokenizer.json", "{}".utf8)
    #expect(try ModelFolder(path: folder.path).vocabularyPath == "\(folder.path)/tokenizer.json")
    folder.write("vocab.txt", "[PAD]\n".utf8)
    #expect(try ModelFolder(path: folder.path).vocabularyPath == "\(folder.path)/vocab.txt")
  }

  @Test func otherFoldersAreReported() {
    let folder = TemporaryFolder()
    #expect(errorMessage(folder).contains("\(folder.path): contains no config.json"))
    let unsaved = makeFolder()
    unlink("\(unsaved.path)/model.safetensors")
    #expect(errorMessage(unsaved).contains("contains neither model.safetensors nor"))
  }
}

@Suite struct ShardTests {
  private func shard(
    _ map: String, _ shards: [(String, [(String, String, [Int], [UInt8])])]
  ) -> TemporaryFolder {
    let folder = makeFolder()
    unlink("\(folder.path)/model.safetensors")
    folder.write("model.safetensors.index.json", "{\"weight_map\": \(map)}".utf8)
    for (name, tensors) in shards { folder.write(name, safetensors(tensors)) }
    return folder
  }

  @Test func shardsFormOneModel() throws {
    let single = makeFolder()
    let parts = shard(
      #"{"a": "1.safetensors", "b": "2.safetensors"}"#,
      [("2.safetensors", [tensors[1]]), ("1.safetensors", [tensors[0]])])
    let (one, two) = (try ModelFolder(path: single.path), try ModelFolder(path: parts.path))
    #expect(try two.weights.floats("a", shape: [2]) == [1, 2])
    #expect(try two.weights.floats("b", shape: [1]) == [3])
    #expect(one.fingerprint == two.fingerprint)
  }

  @Test(arguments: [
    (#"{"a": "../1.safetensors"}"#, "not the name of a safetensors file"),
    (#"{"a": "/etc/1.safetensors"}"#, "not the name of a safetensors file"),
    (#"{"a": "1.bin"}"#, "not the name of a safetensors file"),
    (#"{"a": 1}"#, "weight_map.a is not a string"),
    (#"{}"#, "lists no tensors"), (#"[]"#, "weight_map is not an object"),
    (#"{"a": "1.safetensors", "c": "1.safetensors"}"#, "\"c\", listed in"),
    (#"{"a": "1.safetensors", "b": "3.safetensors"}"#, "3.safetensors: cannot be opened"),
    (#"{"a": "2.safetensors"}"#, "tensor \"b\" is not in the shard"),
  ])
  func invalidIndexIsRejected(map: String, reason: String) {
    let folder = shard(map, [("1.safetensors", [tensors[0]]), ("2.safetensors", [tensors[1]])])
    let message = errorMessage(folder)
    #expect(message.contains(reason), "\(message)")
  }
}
