import Glibc

/// Paths of the checkout that the tests were built in.
public enum Checkout {
  /// The folder of Package.swift.
  public static let root: String = {
    let thisFile = "/Tests/TestSupport/Checkout.swift"
    precondition(#filePath.hasSuffix(thisFile))
    return String(#filePath.dropLast(thisFile.count))
  }()

  /// The model that comes with blip.
  public static let defaultModel = root + "/Sources/BLIP/Resources/blip-mini"

  /// What lies beside the checkout where blip is developed. A clone lacks it, and a test that needs
  /// something of it is skipped there.
  public static let shared = root + "/../shared"

  /// The folder of fixtures of a test target.
  public static func fixtures(of target: String) -> String { "\(root)/Tests/\(target)/Fixtures" }

  /// Whether a file or a folder is there and can be read.
  public static func has(_ path: String) -> Bool { access(path, R_OK) == 0 }
}
