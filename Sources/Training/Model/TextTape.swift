internal import BLIP
public import Tensors

/// What the unimodal text encoder made of texts, with what its way back needs.
public struct TextTape: Sendable {
  /// ITC embeddings, L2-normalised: `[B, 256]`.
  public fileprivate(set) var embeddings = Matrix()
  fileprivate let run: TextRun
  /// What the embeddings were before they were normalised.
  fileprivate var projected = Matrix()
}

extension Network {
  /// Encodes texts, `[CLS] … [SEP]` of any lengths.
  /// - Parameter keeping: Whether there will be a way back.
  public func encode(texts: [[Int32]], dropout: DropoutPlan? = nil, keeping: Bool) -> TextTape {
    let way = TextRun.Way(onlyFirst: true, dropout: dropout?.of(.unimodal))
    var tape = TextTape(run: run(texts, way, keeping: keeping))
    text.projection(tape.run.output, into: &tape.projected)
    normalizeRows(tape.projected, into: &tape.embeddings)
    return tape
  }

  /// Adds to the gradient what the gradient of the embeddings brings back.
  public func backward(embeddings: Matrix, _ tape: TextTape, into gradient: inout Network) {
    var (dProjected, d) = (Matrix(), Matrix())
    normalizeRowsBackward(embeddings, of: tape.projected, dx: &dProjected)
    text.projection.backward(
      dProjected, of: tape.run.output, into: &gradient.text.projection, dx: &d)
    var pictures = CrossTape.none
    backward(d, tape.run, cross: &pictures, into: &gradient)
  }
}
