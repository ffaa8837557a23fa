import Glibc
import Hub

/// Where a model named on the command line is.
enum ModelLocation {
  /// `given` itself if such a folder exists or it cannot be OWNER/NAME; else the folder of the model
  /// OWNER/NAME in Hugging Face's cache.
  static func folder(_ given: String) throws -> String {
    guard access(given, F_OK) != 0, let reference = RepositoryReference(given) else { return given }
    let cache = try HubCache(environment: IndexLocation.processEnvironment)
    guard let snapshot = cache.snapshot(of: reference) else {
      throw CommandFailure(
        "\(given) is neither a folder nor a model in the cache \(cache.path); to fetch it, run "
          + "`blip model pull \(given)`")
    }
    return snapshot
  }
}
