public import BLIP

/// How the pictures of an index are captioned.
public struct CaptioningOptions: Sendable {
  /// The folder of the model that generates captions. Nil: that of the index.
  public var model: String?
  /// The number format to compute in; `auto` is that of the index.
  public var precision: Precision
  /// How captions are generated.
  public var settings: GenerationSettings
  /// Only the pictures of this root, by its absolute path. Nil: all of the index.
  public var root: String?

  /// The defaults, except for what is given.
  public init(
    model: String? = nil, precision: Precision = .auto,
    settings: GenerationSettings = GenerationSettings()
  ) {
    self.model = model
    self.precision = precision
    self.settings = settings
  }
}

extension PictureIndex {
  /// Generates a caption of every picture that has none of this model and these settings, and adds it to
  /// the texts of the index, marked as synthetic: ``match(picture:options:)`` finds it.
  ///
  /// It runs while the events are iterated, ends and continues as ``update(from:options:)`` does; the
  /// last event is `finished`.
  public func generateCaptions(
    options: CaptioningOptions = CaptioningOptions()
  ) -> EventSequence<CaptioningEvent> {
    EventSequence(isStopped: shared.isStopped) { report in
      let summary = try await self.shared.write {
        try await self.generateCaptions(options, report: report)
      }
      report(.finished(summary))
    }
  }

  private func generateCaptions(
    _ options: CaptioningOptions, report: @escaping @Sendable (CaptioningEvent) -> Void
  ) async throws -> CaptioningSummary {
    let metadata = try shared.existing(\.metadata)
    let captioner = try IndexCaptioner(
      index: path, metadata: metadata, options, cache: cache, decoder: decoder)
    return try await captioner.run(
      open: { [shared] in try await shared.writable { _ in metadata } },
      shouldStop: shared.isStopped, report: report)
  }
}
