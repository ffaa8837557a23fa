internal import Files
internal import Images
internal import Store

/// What a file of a collection is that is not read as a picture, or a folder that is not searched.
public enum LeftOutKind: String, Sendable, Hashable, CaseIterable {
  case video, pdf
  /// A file of a camera's sensor whose format is not known.
  case raw
  /// A picture or drawing of a format that is not read, such as PSD or SVG.
  case picture
  case other
  /// A symbolic link to a folder.
  case linkedFolder = "linked folder"
  /// A folder where a NAS or a desktop keeps thumbnails or deleted files.
  case systemFolder = "system folder"
  /// A hidden folder, or a hidden picture.
  case hidden
  /// A file or folder that a pattern of the index's settings leaves out.
  case excluded
  /// A file or folder that an ignore file of the collection leaves out.
  case ignored
  /// A pipe, a socket or a device.
  case special

  /// Names of such folders: Synology, QNAP, Samba, Windows, macOS, file systems.
  static let systemFolders = Set(
    [
      "@eaDir", "@Recycle", "@Recently-Snapshot", "#recycle", "#snapshot", "$RECYCLE.BIN",
      "RECYCLER",
      "System Volume Information", "__MACOSX", "lost+found",
    ].map { Array($0.utf8) })
}

/// A file of a collection that is not read as a picture, or a folder that is not searched.
public struct LeftOutFile: Sendable, Equatable {
  /// Relative to the root that was walked through; in a listing of an index, as the index calls its pictures.
  public let path: [UInt8]
  /// What it is.
  public let kind: LeftOutKind
}

/// What a file is by its name and, where that says nothing, by its first bytes.
enum FileKind: Equatable {
  case picture
  case leftOut(LeftOutKind)

  /// By a name's extension in lower case; nil if it says nothing.
  init?(extension name: String) {
    if ImageDecoder.extensions.contains(name) {
      self = .picture
    } else if let kind = Self.kinds[name] {
      self = .leftOut(kind)
    } else {
      return nil
    }
  }

  /// By the first bytes of a file, at most ``ImageFormat/magicSize``; `name`: its extension.
  init(magic bytes: [UInt8], extension name: String) {
    if ImageFormat(magicOf: bytes) != nil {
      self = .picture
    } else if Self.rawExtensions.contains(name) {
      self = .leftOut(.raw)
    } else if Self.videoMagics.contains(where: { bytes.dropFirst($0.offset).starts(with: $0.magic) }
    ) {
      self = .leftOut(.video)
    } else if bytes.starts(with: "%PDF".utf8) {
      self = .leftOut(.pdf)
    } else if bytes.starts(with: "8BPS".utf8) || bytes.starts(with: "<svg".utf8) {
      self = .leftOut(.picture)
    } else {
      self = .leftOut(.other)
    }
  }

  /// Of RAW files the name promises little: those of known formats are told by their bytes.
  static let rawExtensions: Set<String> = [
    "3fr", "ari", "arw", "bay", "cap", "cr2", "cr3", "crw", "dcr", "dcs", "dng", "erf", "fff",
    "gpr",
    "iiq", "k25", "kdc", "mdc", "mef", "mos", "mrw", "nef", "nrw", "orf", "pef", "ptx", "raf",
    "raw",
    "rw2", "rwl", "rwz", "sr2", "srf", "srw", "x3f",
  ]

  private static let kinds: [String: LeftOutKind] = {
    let names: [LeftOutKind: String] = [
      .video: "mp4 m4v mov avi mkv webm wmv flv mpg mpeg mts m2ts 3gp 3g2 ogv vob insv lrv",
      .pdf: "pdf",
      .picture: "psd psb svg svgz ai eps ico cur exr hdr dds tga pcx xcf pbm pgm ppm pnm djvu",
      // What collections of pictures have beside them, and programs: no need to look into each.
      .other:
        "txt json jsonl xml xmp aae thm ini db md html htm css js ts csv tsv yaml yml log zip gz "
        + "tar 7z rar mp3 m4a wav flac ogg doc docx xls xlsx odt py c h cpp swift java so o a",
    ]
    return names.reduce(into: [:]) { result, entry in
      for name in entry.value.split(separator: " ") { result[String(name)] = entry.key }
    }
  }()

  private static let videoMagics: [(offset: Int, magic: [UInt8])] = [
    (4, Array("ftyp".utf8)), (4, Array("moov".utf8)), (4, Array("mdat".utf8)),
    (4, Array("wide".utf8)), (8, Array("AVI ".utf8)), (0, [0x1A, 0x45, 0xDF, 0xA3]),
    (0, Array("FLV\u{1}".utf8)), (0, [0, 0, 1, 0xBA]), (0, [0, 0, 1, 0xB3]),
    (0, [0x30, 0x26, 0xB2, 0x75, 0x8E, 0x66, 0xCF, 0x11]),
  ]
}

/// The files of the collection of an index that are not read as pictures, and the folders that are not
/// searched, in the order of sorted walks, called as the index calls its pictures.
func leftOutFiles(of metadata: IndexMetadata) throws(RetrievalError) -> [LeftOutFile] {
  let roots = metadata.roots.all
  var files: [LeftOutFile] = []
  for root in roots {
    do throws(RetrievalError) {
      let scan = try CollectionScan(
        root: try collectionRoot(root.path), settings: metadata.settings)
      files += scan.leftOut.map {
        let stored = CollectionRoots.storedPath($0.path, root: root.number)
        return LeftOutFile(path: metadata.roots.name(of: stored), kind: $0.kind)
      }
    } catch {
      // Of several, one may not be mounted.
      guard roots.count > 1, error.code == .unreadableCollection else { throw error }
    }
  }
  return files
}
