public import BLIP
public import Images
public import Store
internal import Tensors

/// Captioning and filtering (Li et al. 2022, section 3.3): every picture gets a synthetic caption, drawn
/// by nucleus sampling, and the filter compares that and the texts it has with the picture.
///
/// ```swift
/// let noisy = try CaptionedFiles(captions: "web.json", images: "photos")
/// let capFilt = try await CapFilt()
/// for try await texts in capFilt.results(of: noisy.pictures) {
///   for text in texts where text.isKept(above: capFilt.usualThreshold) {
///     print(text.picture, text.text)
///   }
/// }
/// ```
public struct CapFilt: Sendable {
  private let captioner: PictureCaptioner
  private let filter: MatchFilter

  /// Loads a model that generates captions and has the heads of retrieval.
  ///
  /// Parameters and errors are those of ``PictureCaptioner/init(model:precision:settings:cache:decoder:)``.
  /// - Parameter sampling: How synthetic captions are drawn.
  public init(
    model: String? = nil, precision: Precision = .auto,
    sampling: NucleusSettings = NucleusSettings(seed: 1), cache: String? = nil,
    decoder: any PictureDecoder = ImageDecoder()
  ) async throws(RetrievalError) {
    let model = try await loadModel(model, precision: precision, use: .captions, cache: cache)
    var settings = GenerationSettings()
    settings.method = .nucleus(sampling)
    captioner = PictureCaptioner(model: model, settings: settings, decoder: decoder)
    filter = MatchFilter(model: model, decoder: decoder)
  }

  /// The probability above which a text is kept, unless the caller has another threshold.
  public var usualThreshold: Float { filter.usualThreshold }

  /// The model and all that the result depends on.
  public var description: String { captioner.description + filter.calibration }

  /// Whether probabilities are calibrated; otherwise they are ITM's of a match.
  public var isCalibrated: Bool { filter.isCalibrated }

  /// What marks its synthetic captions.
  public var captionerDescription: String { captioner.description }

  /// The texts of each picture with their probabilities, in the order of the pictures, the
  /// synthetic caption last; one that the picture has already is not repeated.
  ///
  /// Whatever is wrong with a picture's file is said of its texts. Where the task is cancelled, no
  /// further group of pictures is begun.
  public func results(of pictures: [FilterInput]) -> EventSequence<[FilteredText]> {
    EventSequence { report in
      _ = try await orderedConcurrentMap(
        pictures, perTask: PictureCaptioner.picturesPerTask, shouldStop: { Task.isCancelled },
        work: { try bootstrap($0) }, take: { $0.forEach(report) })
    }
  }

  private func bootstrap(_ inputs: [FilterInput]) throws -> [[FilteredText]] {
    let read = inputs.map { input in
      do throws(RetrievalError) {
        return Result<_, RetrievalError>.success(try captioner.read(.file(input.path)))
      } catch { return .failure(error) }
    }
    let pictures = try read.compactMap { try? $0.get() }.map {
      (encoding: try captioner.model.encode($0.picture), key: $0.key)
    }
    let captions = try captioner.captions(pictures.map { ($0.encoding.features, $0.key) })
    var captioned = zip(pictures, captions).makeIterator()
    return try zip(inputs, read).map { input, read in
      if case .failure(let error) = read { return input.unread(error) }
      let (picture, caption) = captioned.next()!
      var input = input
      if !input.texts.contains(where: { $0.text == caption }) {
        input.texts.append((caption, .synthetic(by: captioner.description)))
      }
      return try filter.judge(input, picture.encoding)
    }
  }
}
