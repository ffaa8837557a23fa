import BLIP
import Retrieval

/// The error, with the options that resolve it: messages of the library name none.
func advised(_ error: any Error) -> any Error {
  guard let error = error as? RetrievalError, let advice = error.advice else { return error }
  return CommandFailure("\(error); \(advice)")
}

extension RetrievalError {
  /// What to pass to a command.
  fileprivate var advice: String? {
    switch code {
    case .noIndex: "build one with `blip index DIR`, or give another index with --index"
    case .invalidIndexPath, .notAnIndex, .networkFileSystem, .sizeMismatch, .indexNotEmpty,
      .collectionMismatch:
      "give another index with --index"
    case .modelMismatch: "give a model with --model (`blip index DIR --model MODEL` rebuilds)"
    case .precisionMismatch(let precision):
      "pass --precision \(precision.rawValue), or another --index"
    case .featuresMismatch(let features):
      "pass --features \(features.rawValue), or another --index"
    case .unusableModel, .foreignEmbeddings: "give a model with --model"
    case .damaged, .needsRepair: CrashReport.advice
    case .damagedVectors: "run `blip index DIR --rebuild`"
    case .textNotReadable:
      "install it, or pass --no-ocr, which also removes the words that were read"
    case .noTexts: "to index captions, pass --captions to blip index"
    case .mostPicturesMissing: "to remove them, pass --allow-vanished"
    case .unknownCollection: "give it with --collection"
    default: nil
    }
  }
}
