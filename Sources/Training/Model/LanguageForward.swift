internal import BLIP
internal import Checkpoints
internal import Tensors

/// The language model's forward pass, up to its product by the words, with the activations for the
/// backward pass.
struct LanguageForward: Sendable {
  fileprivate let layers: TextLayersForward
  /// The rows that predict a token; nil for all.
  fileprivate let rows: [Int]?
  /// The tokens to predict.
  fileprivate let targets: [Int32]
  fileprivate var transform = LanguageModelTransform.Activations()
}

extension TrainableModel {
  /// Label smoothing of the language-model loss, BLIP's.
  private static let smoothing: Float = 0.1

  /// Runs the decoder over texts that describe pictures.
  /// - Parameters:
  ///   - texts: `[CLS] … [SEP]`; [CLS] is replaced by [DEC] here.
  ///   - pictures: The picture that each text describes, by index.
  ///   - cross: The pictures, projected.
  ///   - prompt: Number of first tokens, [DEC] among them, that are given and not predicted.
  ///   - savingActivations: Whether there will be a backward pass.
  func language(
    texts: [[Int32]], pictures: [Int], _ cross: CrossAttentionCache, prompt: Int = 1,
    dropout: TextDropout? = nil, savingActivations: Bool
  ) -> LanguageForward {
    precondition(texts.count == pictures.count && prompt > 0)
    // Nothing is predicted from the last token.
    let given = texts.map { [configuration.text.decoderToken] + $0.dropFirst().dropLast() }
    let layers = run(
      given, .decoder, cross: cross.context(pictureOf: pictures), dropout: dropout,
      savingActivations: savingActivations)

    let rows = consecutiveRanges(given.map(\.count)).flatMap { Array($0.dropFirst(prompt - 1)) }
    precondition(!rows.isEmpty, "texts with nothing after the prompt")
    var forward = LanguageForward(
      layers: layers, rows: rows.count == layers.output.rows ? nil : rows,
      targets: texts.flatMap { $0.dropFirst(prompt) })
    transform(
      forward.rows.map { layers.output.rows($0) } ?? layers.output,
      savingActivations: savingActivations, &forward.transform)
    return forward
  }

  /// The language-model loss: the mean over all predicted tokens of the cross-entropy with smoothed
  /// labels.
  func languageLoss(_ forward: LanguageForward) -> Double {
    vocabularyLoss(forward)(forward.transform.output)
  }

  /// The backward pass: adds to the gradient and, for the pictures' keys and values, to the cache.
  /// - Returns: The loss, as `languageLoss`: its logits are computed only once.
  func backward(
    _ forward: LanguageForward, _ cross: inout CrossAttentionCache,
    into gradient: inout TrainableModel
  ) -> Double {
    var d = Matrix()
    let loss = vocabularyLoss(forward)(
      forward.transform.output, dHidden: &d, dWords: &gradient.text.embedding.words.values,
      dBias: &gradient.wordBias)
    transform.backward(&d, forward.transform, into: &gradient.transform)
    if let rows = forward.rows {
      var all = Matrix(rows: forward.layers.output.rows, columns: d.columns)
      addRows(d, at: rows, to: &all)
      d = all
    }
    backward(d, forward.layers, &cross, into: &gradient)
    return loss
  }

  private func vocabularyLoss(_ forward: LanguageForward) -> VocabularyLoss {
    VocabularyLoss(
      words: text.embedding.words.values, bias: wordBias, targets: forward.targets,
      smoothing: Self.smoothing)
  }
}

extension LanguageModelTransform {
  /// The backward pass: d, the gradient of `activations.output`, becomes that of x.
  func backward(
    _ d: inout Matrix, _ activations: Activations, into gradient: inout LanguageModelTransform
  ) {
    var dInner = Matrix()
    norm.backward(d, of: activations.activated, into: &gradient.norm, dx: &dInner)
    geluBackward(&dInner, of: activations.inner)
    dense.backward(dInner, of: activations.input, into: &gradient.dense, dx: &d)
  }
}
