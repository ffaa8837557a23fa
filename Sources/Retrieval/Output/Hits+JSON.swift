internal import Images

extension PictureHit {
  /// The hit as `blip search --json` writes it.
  public var json: JSONOutput { .object(members) }

  private var members: [(key: String, value: JSONOutput?)] {
    picture.place + [
      ("cosine", .float(cosine)), ("probability", probability.map { .float($0) }),
      ("improbable", isImprobable ? .boolean(true) : nil),
      ("itm", matchLogit.map { .float($0) }),
      ("match_probability", (probability ?? matchProbability).map { .float($0) }),
    ] + picture.facts + [
      ("alike", alike.isEmpty ? nil : .array(alike.map(\.json))),
      ("matched_in", evidence.isEmpty ? nil : .array(evidence.map { .string($0.rawValue) })),
    ]
  }

  /// The same with the picture's number in the index first, by which a server is asked about it.
  public var numberedJSON: JSONOutput { .object([("id", .integer(Int(id)))] + members) }
}

extension IndexedPicture {
  /// What the index holds of the picture.
  public var json: JSONOutput {
    .object(
      [("id", .integer(Int(id)))] + place + facts + [
        ("size", .integer(Int(clamping: file.size))),
        ("title", details?.title.map { .string($0) }),
        ("description", details?.description.map { .string($0) }),
        ("keywords", (details?.keywords).flatMap(Self.list)),
        ("places", (details?.places).flatMap(Self.list)),
      ])
  }

  fileprivate var place: [(key: String, value: JSONOutput?)] {
    JSONOutput.path(pathBytes, "path") + JSONOutput.path(locationBytes, "location")
  }

  fileprivate var facts: [(key: String, value: JSONOutput?)] {
    [
      ("type", file.format.map { .string($0.rawValue) }), ("width", .integer(file.width)),
      ("height", .integer(file.height)), ("modified", .string(file.modifiedText)),
      ("taken", details?.takenText.map { .string($0) }),
      ("camera", details?.camera.map { .string($0) }),
      ("latitude", details?.coordinates.map { .number($0.latitude) }),
      ("longitude", details?.coordinates.map { .number($0.longitude) }),
      ("captions", Self.list(captions)), ("synthetic_captions", Self.list(generatedCaptions)),
    ]
  }

  private static func list(_ texts: [String]) -> JSONOutput? {
    texts.isEmpty ? nil : .array(texts.map { .string($0) })
  }
}

extension AlikePicture {
  fileprivate var json: JSONOutput {
    .object(
      [("id", .integer(Int(id)))] + JSONOutput.path(pathBytes, "path")
        + JSONOutput.path(locationBytes, "location"))
  }
}

extension PictureFile {
  /// When the file was modified, in UTC: "2024-05-31T12:00:00Z".
  fileprivate var modifiedText: String {
    CameraTime.text(modified / 1_000_000_000).replacing(" ", with: "T") + "Z"
  }
}

extension TextHit {
  /// The hit as `blip match --json` writes it.
  public var json: JSONOutput {
    .object(
      [("text", .string(text))] + (pathBytes.map { JSONOutput.path($0, "path") } ?? []) + [
        ("cosine", .float(cosine)), ("probability", probability.map { .float($0) }),
        ("itm", matchLogit.map { .float($0) }),
        ("match_probability", (probability ?? matchProbability).map { .float($0) }),
        (
          "other_paths",
          otherPathBytes.isEmpty
            ? nil : .array(otherPathBytes.map { .string(String(decoding: $0, as: UTF8.self)) })
        ),
        ("synthetic", isGenerated ? .boolean(true) : nil),
      ])
  }
}
