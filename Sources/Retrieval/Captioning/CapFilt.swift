package import BLIP
package import Images
internal import Store
internal import Tensors

/// Captioning and filtering (Li et al. 2022, section 3.3): every picture gets a synthetic text, drawn
/// by nucleus sampling, and that and the texts it has are held against it by ITM.
package struct CapFilt: Sendable {
  private let captioner: PictureCaptioner
  private let filter: MatchFilter

  /// - Parameters:
  ///   - model: Opened for captions, and with the heads of retrieval.
  ///   - settings: How captions are generated.
  package init(
    model: BLIPModel, settings: GenerationSettings, decoder: any PictureDecoder = ImageDecoder()
  ) {
    captioner = PictureCaptioner(model: model, settings: settings, decoder: decoder)
    filter = MatchFilter(model: model, decoder: decoder)
  }

  /// The threshold of the filter for this model where none is given.
  package var usualThreshold: Float { filter.usualThreshold }

  /// The model and all that the result depends on.
  package var description: String { captioner.description }

  /// Hands over the texts of each picture with their match probabilities, in the order of the
  /// pictures, the synthetic one last; one that the picture has already is not repeated.
  ///
  /// Whatever is wrong with a picture's file is said of its texts. Returns whether all were done: once
  /// `shouldStop` says so, no further group is begun.
  package func run(
    _ inputs: [FilterInput], shouldStop: @escaping @Sendable () -> Bool,
    take: ([FilteredText]) throws -> Void
  ) async throws -> Bool {
    try await orderedConcurrentMap(
      inputs, perTask: PictureCaptioner.picturesPerTask, shouldStop: shouldStop,
      work: { try bootstrap($0) }, take: { try $0.forEach(take) })
  }

  private func bootstrap(_ inputs: [FilterInput]) throws -> [[FilteredText]] {
    let read = inputs.map { input in
      do throws(RetrievalError) {
        return Result<_, RetrievalError>.success(try captioner.read(input.path))
      } catch { return .failure(error) }
    }
    let pictures = try read.compactMap { try? $0.get() }.map {
      (features: try captioner.features(of: $0.picture), key: $0.key)
    }
    var captioned = zip(pictures, try captioner.captions(pictures)).makeIterator()
    return try zip(inputs, read).map { input, read in
      if case .failure(let error) = read { return input.unread(error) }
      let (picture, caption) = captioned.next()!
      var input = input
      if !input.texts.contains(where: { $0.text == caption }) {
        input.texts.append((caption, .synthetic(by: captioner.description)))
      }
      return try filter.judge(input, features: picture.features)
    }
  }
}
