import Glibc
import Hub

/// Where the model lies that a person names.
enum ModelLocation {
  /// A folder as it is; where there is none of that name, the model OWNER/NAME in Hugging Face's
  /// cache.
  static func folder(_ given: String) throws -> String {
    guard access(given, F_OK) != 0, let reference = RepositoryReference(given) else { return given }
    let cache = try HubCache(environment: IndexLocation.processEnvironment)
    guard let snapshot = cache.snapshot(of: reference) else {
      throw CommandFailure(
        "\(given) is neither a folder nor a model in the cache \(cache.path); fetch it with "
          + "blip model pull \(given)")
    }
    return snapshot
  }
}
