internal import BLIP
internal import Checkpoints
public import Tensors

/// What image-text matching made of pairs, with what its way back needs.
public struct MatchTape: Sendable {
  /// `[pairs, 2]`; column 1 is "match".
  public fileprivate(set) var logits = Matrix()
  fileprivate let run: TextRun
}

extension Network {
  /// Matches pairs of texts and pictures.
  /// - Parameters:
  ///   - texts: `[CLS] … [SEP]`; [ENC] is put in place of [CLS] here.
  ///   - pairs: Which text looks at which picture, by index.
  ///   - cross: The pictures, projected.
  ///   - keeping: Whether there will be a way back.
  public func match(
    texts: [[Int32]], pairs: [(text: Int, picture: Int)], _ cross: CrossTape,
    dropout: DropoutPlan? = nil, keeping: Bool = true
  ) -> MatchTape {
    let way = TextRun.Way(
      onlyFirst: true, pictures: pairs.map(\.picture), pairs: pairs.map(\.text),
      dropout: dropout?.of(.grounded))
    let texts = texts.map { [configuration.text.encoderToken] + $0.dropFirst() }
    var tape = MatchTape(run: run(texts, way, cross: cross, keeping: keeping))
    match.head(tape.run.output, into: &tape.logits)
    return tape
  }

  /// Adds to the gradient, and to that of the pictures' keys and values, what the gradient of the
  /// logits brings back.
  public func backward(
    logits: Matrix, _ tape: MatchTape, _ cross: inout CrossTape, into gradient: inout Network
  ) {
    var d = Matrix()
    match.head.backward(logits, of: tape.run.output, into: &gradient.match.head, dx: &d)
    backward(d, tape.run, cross: &cross, into: &gradient)
  }
}
