import Captions
import Files
import Retrieval

/// Where captions of files go.
struct CaptionDestination {
  private let log: CaptionLog?
  private let writesSidecars: Bool
  private let writesJSON: Bool
  private let captioner: String

  /// - Parameter captioner: The model and settings; logged captions of others are an error.
  init(out: String?, sidecars: Bool, json: Bool, captioner: String) throws {
    writesSidecars = sidecars
    writesJSON = json
    self.captioner = captioner
    log = if let out { try CaptionLog(out, captioner: captioner) } else { nil }
  }

  /// Whether captions are printed.
  var isPrinted: Bool { log == nil && !writesSidecars }

  /// Whether a picture already has a caption here.
  func has(_ picture: PictureSource, name: [UInt8]) -> Bool {
    if writesSidecars, case .file(let path) = picture { return Sidecar.exists(beside: path) }
    return log?.names.contains(String(decoding: name, as: UTF8.self)) ?? false
  }

  func take(_ caption: String, of picture: PictureSource, name: [UInt8]) throws {
    let shown = String(decoding: name, as: UTF8.self)
    if writesSidecars, case .file(let path) = picture {
      // A file that has appeared since is left alone.
      _ = try Sidecar.write(caption, beside: path)
    } else if let log {
      try log.append(image: shown, caption: caption)
    } else if writesJSON {
      let line = JSONOutput.object([
        ("image", .string(shown)), ("caption", .string(caption)),
        ("captioner", .string(captioner)),
      ])
      try Console.output.write(line.text + "\n")
    } else {
      try Console.output.write(name + Array("\t\(printable(caption))\n".utf8))
    }
  }
}
