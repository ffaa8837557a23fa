import Retrieval

extension [PictureHit] {
  /// Says on standard error, of the pictures that a text found, if probably none of them shows it, or if
  /// nobody has measured how likely they do.
  /// - Parameter saysImprobable: False where every hit is written with whether it is improbable.
  func note(saysImprobable: Bool) {
    guard let best = first else { return }
    guard let probability = best.probability else {
      if best.matchProbability != nil { Console.noteUncalibrated() }
      return
    }
    if best.isImprobable, saysImprobable {
      Console.note(
        "probably nothing here shows this; the best guess is \(best.path) (\(percent(probability)))"
      )
    }
  }
}

extension Console {
  /// Says what the figures are of a model that has no calibration.
  static func noteUncalibrated() {
    note(
      "the model is not calibrated: match is ITM's own probability, which does not say how likely a "
        + "result is right (blip model calibrate measures that)")
  }
}

extension TextQuery {
  /// Says on standard error if the model does not read the text as it was written, or does not understand
  /// it.
  func note() { for note in notes { Console.note(note) } }
}
