import Checkpoints
import FoundationEssentials
import Tensors
import Testing

@testable import BLIP

/// The image-grounded text decoder against PyTorch: the logits of every position.
@Suite struct DecoderParityTests {
  private static let captionModel = "\(shared)/fixtures/blip-tiny-caption"

  private func decoder(_ folder: ModelFolder) throws -> TextDecoder {
    try TextDecoder(folder.configuration.text, weights: folder.weights)
      .loaded(from: folder.weights, .fp32)
  }

  /// Encoder and decoder share all but self-attention.
  @Test func theDefaultModelAsItsReference() throws {
    let reference = try Activations("blip-mini-activations.safetensors")
    let decoder = try decoder(Models.standard.get().folder)
    let text = try reference.texts("decoder_input_ids")[0]
    let pictures = try (0..<2).map { try reference.matrix("vision.last_hidden_state", $0) }
    // Both pictures in one batch, and a shorter text behind them.
    let logits = try decoder(
      [text, text, Array(text.prefix(3))], features: [pictures[0], pictures[1], pictures[0]])
    #expect(logits.rows == 2 * text.count + 3)
    for picture in 0..<2 {
      expectClose(
        "picture \(picture)", logits.rows(picture * text.count..<(picture + 1) * text.count),
        try reference.matrix("decoder_logits.\(picture)", 0))
    }
    // Nothing behind a token changes what it says.
    expectClose(
      "a beginning", logits.rows(2 * text.count..<2 * text.count + 3), logits.rows(0..<3))
  }

  /// A caption checkpoint has a decoder and nothing else of the text side.
  @Test(.enabled(if: FileManager.default.fileExists(atPath: captionModel), "needs ../shared"))
  func aCaptionCheckpointAsHuggingFace() throws {
    let reference = try Activations(path: "\(shared)/fixtures/activations/caption.safetensors")
    let decoder = try decoder(ModelFolder(path: Self.captionModel))
    let texts = try reference.texts("decoder_input_ids")
    let logits = try decoder(
      texts, features: texts.indices.map { try reference.matrix("vision.last_hidden_state", $0) })
    for (index, rows) in consecutiveRanges(texts.map(\.count)).enumerated() {
      expectClose(
        "picture \(index)", logits.rows(rows), try reference.matrix("decoder_logits", index))
    }
  }
}
