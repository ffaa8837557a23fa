internal import BLIP
internal import Checkpoints
internal import Tensors

extension Network {
  /// The language-model loss, the mean over all predicted tokens of the cross-entropy with smoothed
  /// labels, and with it the way back.
  /// - Parameters:
  ///   - texts: `[CLS] … [SEP]`; [DEC] is put in place of [CLS] here.
  ///   - pictures: The picture that each text tells of, by index.
  ///   - cross: The pictures, projected; the gradients of their keys and values are added.
  ///   - prompt: How many of the first tokens, [DEC] included, are given and not predicted.
  ///   - weight: What the gradient is multiplied by.
  ///   - gradient: Is added to.
  public func languageModel(
    texts: [[Int32]], pictures: [Int], _ cross: inout CrossTape, prompt: Int = 1,
    smoothing: Float = 0.1, weight: Float = 1, dropout: DropoutPlan? = nil,
    into gradient: inout Network
  ) -> Double {
    precondition(texts.count == pictures.count && prompt > 0)
    let way = TextRun.Way(
      isDecoder: true, pictures: pictures, dropout: dropout?.of(.decoder))
    // Nothing is predicted from the last token.
    let given = texts.map { [configuration.text.decoderToken] + $0.dropFirst().dropLast() }
    let run = run(given, way, cross: cross, keeping: true)

    let rows = consecutiveRanges(given.map(\.count)).flatMap { Array($0.dropFirst(prompt - 1)) }
    precondition(!rows.isEmpty, "texts with nothing behind the prompt")
    let isAll = rows.count == run.output.rows
    let x = isAll ? run.output : run.output.rows(rows)
    var activations = LanguageModelTransform.Activations()
    transform(x, keeping: true, &activations)
    var d = Matrix()
    let loss = vocabularyLoss(
      activations.output, words: text.embedding.words.values, bias: wordBias,
      targets: texts.flatMap { $0.dropFirst(prompt) }, smoothing: smoothing, weight: weight,
      dHidden: &d, dWords: &gradient.text.embedding.words.values, dBias: &gradient.wordBias)
    transform.backward(&d, of: x, activations, into: &gradient.transform)
    if !isAll {
      var all = Matrix(rows: run.output.rows, columns: d.columns)
      addRows(d, at: rows, to: &all)
      d = all
    }
    backward(d, run, cross: &cross, into: &gradient)
    return loss
  }
}
