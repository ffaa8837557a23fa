/// A model on the hub: `OWNER/NAME`, or `OWNER/NAME@REVISION` with a branch, a tag or a commit.
///
/// Both become parts of paths and URLs, so only what the hub itself allows is accepted: letters,
/// digits, `.`, `_` and `-`, no component that begins or ends with `.` or `-`, no `..` or `--`, at
/// most 96 characters.
package struct RepositoryReference: Sendable, Equatable, CustomStringConvertible {
  /// `OWNER/NAME`.
  package let name: String
  /// The revision, `main` by default.
  package let revision: String

  /// Nil if the text is not such a reference.
  package init?(_ text: String) {
    let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
    let name = parts[0].split(separator: "/", omittingEmptySubsequences: false)
    guard name.count == 2, name.allSatisfy(Self.isName), parts[0].utf8.count <= 96 else {
      return nil
    }
    let revision = parts.count > 1 ? parts[1] : "main"
    guard
      revision.split(separator: "/", omittingEmptySubsequences: false).allSatisfy(Self.isComponent),
      revision.utf8.count <= 200
    else { return nil }
    self.name = String(parts[0])
    self.revision = String(revision)
  }

  /// The name, followed by the revision unless that is `main`.
  package var description: String { revision == "main" ? name : "\(name)@\(revision)" }

  /// Whether the revision is a commit, whose contents never change.
  var isCommit: Bool { isHexadecimal(revision, count: 40) }

  /// Its folder in the cache: `models--OWNER--NAME`.
  var folderName: String {
    "models--" + name.split(separator: "/").joined(separator: "--")
  }

  /// The repository that a cache folder belongs to; nil for other folders.
  static func name(ofFolder folder: String) -> String? {
    let prefix = "models--"
    guard folder.hasPrefix(prefix),
      let separator = folder.dropFirst(prefix.count).firstRange(of: "--")
    else { return nil }
    let owner = folder.dropFirst(prefix.count)[..<separator.lowerBound]
    return Self("\(owner)/\(folder[separator.upperBound...])")?.name
  }

  private static func isName(_ text: Substring) -> Bool {
    isComponent(text) && !text.contains("--") && text.first != "-" && text.last != "-"
      && text.first != "." && text.last != "."
  }

  /// Whether a text is safe as a single path component.
  private static func isComponent(_ text: Substring) -> Bool {
    !text.isEmpty && text.first != "." && !text.contains("..")
      && text.utf8.allSatisfy {
        switch $0 {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
          UInt8(ascii: "-"):
          true
        default: false
        }
      }
  }
}

/// Whether a text consists of exactly `count` lower-case hexadecimal digits.
func isHexadecimal(_ text: some StringProtocol, count: Int) -> Bool {
  text.utf8.count == count
    && text.utf8.allSatisfy {
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
        || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
    }
}
