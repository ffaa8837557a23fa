/// Where words about a picture come from. The raw values are stored.
package enum TextField: UInt8, CaseIterable, Sendable {
  /// Captions that people wrote.
  case caption = 0
  /// Captions that a model made.
  case syntheticCaption = 1
  /// The file's name without its extension.
  case name = 2
  /// Names of the folders that it lies in.
  case folder = 3
  /// A title in the file.
  case title = 4
  /// A description in the file.
  case description = 5
  /// Keywords in the file.
  case keyword = 6
  /// Names of the place in the file.
  case place = 7
  /// The camera's maker and model in the file.
  case camera = 8
  /// Words that the picture itself shows.
  case textInPicture = 9

  /// What a word here counts (w in BM25F).
  ///
  /// A synthetic caption counts so little that a word in it, however often and in however short a text,
  /// scores below the same word in any field that people write (`FieldWeights`).
  var weight: Float {
    switch self {
    case .caption, .description, .place, .name: 1
    case .title, .keyword: 1.5
    case .folder: 0.8
    case .textInPicture: 0.6
    case .camera: 0.4
    case .syntheticCaption: 0.15
    }
  }

  /// How much a long text weighs less (b in BM25F).
  var lengthNormalization: Float {
    switch self {
    case .caption, .description, .textInPicture: 0.5
    default: 0.3
    }
  }
}

/// A set of fields.
package struct TextFieldSet: OptionSet, Sendable, Hashable {
  /// A bit for each field, by its raw value.
  package let rawValue: UInt16

  /// The fields whose bits are set.
  package init(rawValue: UInt16) { self.rawValue = rawValue }

  /// One field.
  package init(_ field: TextField) { rawValue = 1 << field.rawValue }

  /// The fields, in the order of their raw values.
  package var fields: [TextField] { TextField.allCases.filter { contains(TextFieldSet($0)) } }
}
