import Checkpoints
import FoundationEssentials
import Tensors
import Testing
import TestSupport

@testable import BLIP

/// The image-grounded text decoder against PyTorch: the logits of every position.
@Suite struct DecoderParityTests {
  /// Pictures' keys and values are projected once, or never: the same logits.
  private static let orders: [BERTAttention.Order] = [.projected, .folded]

  /// Of every token of a text the logits of the one behind it, the text given in pieces.
  private func logits(
    _ decoder: TextDecoder, _ pieces: [[Int32]], _ features: [Matrix],
    order: BERTAttention.Order? = nil
  ) throws -> [Matrix] {
    var state = decoder.begin(
      features, capacity: pieces.reduce(0) { $0 + $1.count }, order: order)
    #expect(
      order == nil
        || state.contexts.allSatisfy { context in
          if case .folded = context { order == .folded } else { order == .projected }
        })
    var logits = features.map { _ in [Matrix]() }
    for piece in pieces {
      let rows = try decoder.logits(of: decoder(features.map { _ in piece }, &state))
      for picture in features.indices {
        logits[picture].append(rows.rows(picture * piece.count..<(picture + 1) * piece.count))
      }
    }
    return logits.map { pieces in
      Matrix(
        rows: pieces.reduce(0) { $0 + $1.rows }, columns: pieces[0].columns,
        values: pieces.flatMap(\.values))
    }
  }

  /// Encoder and decoder share all but self-attention.
  @Test(arguments: orders) func theDefaultModelAsItsReference(_ order: BERTAttention.Order) throws {
    let reference = try Activations("blip-mini-activations.safetensors")
    let decoder = try Models.captioner.get().textDecoder()
    let text = try reference.texts("decoder_input_ids")[0]
    let pictures = try (0..<2).map { try reference.matrix("vision.last_hidden_state", $0) }
    let whole = try logits(decoder, [text], pictures, order: order)
    for picture in 0..<2 {
      expectClose(
        "picture \(picture)", whole[picture],
        try reference.matrix("decoder_logits.\(picture)", 0))
    }
  }

  /// A caption checkpoint has a decoder and nothing else of the text side.
  @Test(
    .enabled(if: Models.hasReferenceCaptioner, Models.missingCaptioner), arguments: orders)
  func aCaptionCheckpointAsHuggingFace(_ order: BERTAttention.Order) throws {
    let reference = try Activations(
      path: "\(Checkout.shared)/fixtures/activations/caption.safetensors")
    let decoder = try Models.referenceCaptioner().textDecoder()
    for (index, text) in try reference.texts("decoder_input_ids").enumerated() {
      let picture = try reference.matrix("vision.last_hidden_state", index)
      expectClose(
        "picture \(index)", try logits(decoder, [text], [picture], order: order)[0],
        try reference.matrix("decoder_logits", index))
    }
  }

  /// What is remembered of a text is what running it again would compute, however it is cut.
  @Test func stepByStepAsAllAtOnce() throws {
    let reference = try Activations("blip-mini-activations.safetensors")
    let decoder = try Models.captioner.get().textDecoder()
    let text = try reference.texts("decoder_input_ids")[0]
    let pictures = try (0..<2).map { try reference.matrix("vision.last_hidden_state", $0) }
    let whole = try logits(decoder, [text], pictures)
    let cuts = [text.map { [$0] }, [Array(text.prefix(3)), Array(text.dropFirst(3))]]
    for pieces in cuts {
      for (picture, stepwise) in try logits(decoder, pieces, pictures).enumerated() {
        expectClose("\(pieces.count) pieces", stepwise, whole[picture], within: 1e-5)
      }
    }
  }

  /// Sequences that go on from others, in another number and order, have those others' past.
  @Test func sequencesFollowTheirParents() throws {
    let reference = try Activations("blip-mini-activations.safetensors")
    let decoder = try Models.captioner.get().textDecoder()
    let pictures = try (0..<2).map { try reference.matrix("vision.last_hidden_state", $0) }
    var state = decoder.begin(pictures, capacity: 4)
    _ = try decoder([[30522, 1037], [30522, 1037]], &state)
    state.follow([0, 0, 1, 1])
    _ = try decoder([[2158], [3899], [2158], [3899]], &state)
    state.follow([1, 0, 3])
    let rows = try decoder.logits(of: decoder([[2006], [2006], [2006]], &state))
    let texts: [(text: [Int32], picture: Int)] = [
      ([30522, 1037, 3899, 2006], 0), ([30522, 1037, 2158, 2006], 0),
      ([30522, 1037, 3899, 2006], 1),
    ]
    for (row, (text, picture)) in texts.enumerated() {
      let whole = try logits(decoder, [text], [pictures[picture]])[0]
      expectClose("row \(row)", rows.rows(row..<row + 1), whole.rows(3..<4), within: 1e-5)
    }
  }

  /// What encoder and decoder share is in memory once.
  @Test func sharedWeightsAreHeldOnce() throws {
    func addresses(_ part: some ModelPart) throws -> [String: UnsafeRawPointer] {
      var (part, reader) = (part, MatrixAddresses())
      try part.forEachParameter(&reader)
      return reader.byName
    }
    let folder = try ModelFolder(path: BLIPModel.defaultModelPath())
    let configuration = folder.configuration
    let encoder = try TextEncoder(configuration, weights: folder.weights)
      .loaded(from: folder.weights, .fp32)
    let match = try MatchHead(configuration.text).loaded(from: folder.weights, .fp32)
    var decoder = try TextDecoder(configuration.text, weights: folder.weights)
      .loaded(from: folder.weights, .fp32)
    #expect(decoder.sharesEncoder)
    let own = try addresses(decoder)
    #expect(!own.keys.contains { $0.contains("crossattention") || $0.contains("intermediate") })
    decoder.share(encoder, match)
    let shared = decoder.sharedMatrices
    let theirs = Set(try addresses(encoder).values).union(try addresses(match).values)
    #expect(shared.count == 6 * configuration.text.layers)
    #expect(shared.allSatisfy { $0.withPackedBytes { theirs.contains($0.baseAddress!) } == true })
  }
}

/// Notes where the numbers of loaded matrices lie.
private struct MatrixAddresses: ParameterVisitor {
  var byName: [String: UnsafeRawPointer] = [:]

  mutating func visit(_ name: String, _ shape: [Int], _ values: inout [Float]) {}

  mutating func visit(_ name: String, _ shape: [Int], _ matrix: inout PackedMatrix) {
    matrix.withPackedBytes { byName[name] = $0.baseAddress }
  }
}

extension TextDecoder {
  /// The large matrices that came from the image-grounded text encoder.
  fileprivate var sharedMatrices: [PackedMatrix] {
    crossAttention.flatMap { [$0.query, $0.key, $0.value, $0.dense].map(\.weight) }
      + feedForward.flatMap { [$0.intermediate, $0.dense].map(\.weight) }
  }
}
