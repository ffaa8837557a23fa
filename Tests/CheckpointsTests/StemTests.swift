import TestSupport
import Testing

@testable import Checkpoints

/// A stem from 64 pixels to 16 patches on a side: stride 2, a residual block, stride 2.
private let layers = [
  #"{"kind": "conv", "in": 3, "out": 8, "kernel": 3, "stride": 2, "pad": [0,0,1,1], "relu6": true}"#,
  #"{"kind": "depthwise", "in": 8, "out": 8, "kernel": 3, "stride": 1, "pad": [1,1,1,1]}"#,
  #"{"kind": "pointwise", "in": 8, "out": 8, "kernel": 1, "stride": 1, "pad": [0,0,0,0], "add": 0}"#,
  #"{"kind": "conv", "in": 8, "out": 4, "kernel": 2, "stride": 2, "pad": [0,0,0,0], "add": null}"#,
]

private func read(_ layers: [String]) throws(CheckpointError) -> ModelConfiguration {
  let text = """
    {"vision_config": {"image_size": 64, "patch_size": 4, "stem": {"layers": [\(layers.joined(separator: ","))]}}}
    """
  return try decodeConfiguration(
    ModelConfiguration.self, file: "config.json", bytes: Array(text.utf8))
}

@Suite struct StemTests {
  @Test func layersAreReadAsListed() throws {
    let stem = try #require(try read(layers).vision.stem)
    #expect(stem.map(\.kind) == [.conv, .depthwise, .pointwise, .conv])
    #expect(stem.map(\.inputs) == [3, 8, 8, 8] && stem.map(\.outputs) == [8, 8, 8, 4])
    #expect(stem.map(\.kernel) == [3, 3, 1, 2] && stem.map(\.stride) == [2, 1, 1, 2])
    #expect(stem[0].padding == [0, 0, 1, 1] && stem[0].relu6 && !stem[1].relu6)
    #expect(stem.map(\.add) == [nil, nil, 0, nil])
  }

  @Test(arguments: [
    (
      0, "\"in\": 3", "\"in\": 4",
      "config.json: vision_config.stem.layers[0] takes 4 input channels but gets 3"
    ),
    (1, "\"out\": 8", "\"out\": 9", "they must be equal for a depthwise layer"),
    (1, "depthwise", "dilated", "layers[1].kind is not conv"),
    (1, "\"pad\": [1,1,1,1]", "\"pad\": [1,1,1]", "layers[1].pad is not a list of 4"),
    (1, "\"pad\": [1,1,1,1]", "\"pad\": [1,1,1,-1]", "layers[1].pad contains"),
    (1, "\"pad\": [1,1,1,1]", "\"pad\": [1,1,1,99]", "layers[1].pad contains"),
    (1, "\"pad\": [1,1,1,1]", "\"pad\": [1,1,1,2]", "adds layer 0 of shape [8, 32, 32]"),
    (1, "\"stride\": 1", "\"stride\": 0", "layers[1].stride is 0"),
    (1, "\"kernel\": 3", "\"kernel\": 0", "layers[1].kernel is 0"),
    (2, "\"kernel\": 1", "\"kernel\": 3", "layers[2].kernel is 3"),
    (2, "\"add\": 0", "\"add\": 2", "adds layer 2, which is not before it"),
    (2, "\"add\": 0", "\"add\": -1", "layers[2].add is -1"),
    (
      3, "\"stride\": 2", "\"stride\": 1",
      "has an output of 31×31, but image_size / patch_size is 16"
    ),
    (3, "\"out\": 4", "\"out\": 4000000000", "layers[3].out is 4000000000"),
  ])
  func inconsistentLayersAreRejected(index: Int, old: String, new: String, reason: String) {
    var changed = layers
    changed[index] = layers[index].replacing(old, with: new)
    #expect(changed != layers)
    do {
      _ = try read(changed)
      Issue.record("accepted")
    } catch { #expect(error.description.contains(reason), "\(error)") }
  }

  @Test func aKernelLargerThanItsInputIsRejected() {
    let narrow = String(
      repeating: "\(layers[3].replacing("\"out\": 4", with: "\"out\": 8")),", count: 6)
    #expect(throws: CheckpointError.self) { try read([layers[0], narrow + layers[3]]) }
  }
}
