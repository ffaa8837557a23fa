internal import TextIndex

/// Where the index found words of a query.
public enum Evidence: String, Sendable, CaseIterable {
  /// A caption that a person wrote.
  case caption
  /// A caption that a model generated.
  case generatedCaption = "generated caption"
  /// The file's name.
  case name
  /// The name of a folder that it lies in.
  case folder
  /// A title in the file.
  case title
  /// A description in the file.
  case description
  /// A keyword in the file.
  case keyword
  /// The name of a place in the file.
  case place
  /// The camera's name in the file.
  case camera
  /// Words that the picture shows.
  case textInPicture = "text in picture"

  init(_ field: TextField) {
    self =
      switch field {
      case .caption: .caption
      case .syntheticCaption: .generatedCaption
      case .name: .name
      case .folder: .folder
      case .title: .title
      case .description: .description
      case .keyword: .keyword
      case .place: .place
      case .camera: .camera
      case .textInPicture: .textInPicture
      }
  }
}
