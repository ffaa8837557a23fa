import Glibc

/// Where an index is if --index is not given.
enum IndexLocation {
  /// `$BLIP_INDEX`, else `indexes/default` under `$BLIP_HOME`, `$XDG_DATA_HOME/blip` or
  /// `~/.local/share/blip`, whichever is set first. Empty variables count as unset, and so does a
  /// relative `$XDG_DATA_HOME`, as the XDG base directory specification asks.
  static func standard(environment: (String) -> String?) throws(CommandFailure) -> String {
    func value(_ name: String) -> String? {
      guard let value = environment(name), !value.isEmpty else { return nil }
      return value
    }
    if let index = value("BLIP_INDEX") { return index }
    let home: String
    if let given = value("BLIP_HOME") {
      home = given
    } else if let data = value("XDG_DATA_HOME"), data.hasPrefix("/") {
      home = data + "/blip"
    } else if let user = value("HOME") {
      home = user + "/.local/share/blip"
    } else {
      throw CommandFailure("$HOME is not set: give the index directory (--index DIR)")
    }
    return home + "/indexes/default"
  }

  /// A variable of this process's environment.
  static func processEnvironment(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }
}

/// Where packed weights are cached between runs. They can be deleted at any time; the next run is
/// slower then.
enum CacheLocation {
  /// The cache directory for this process's environment.
  static var standard: String? { standard(environment: IndexLocation.processEnvironment) }

  /// `cache` under `$BLIP_HOME`, else `blip` under `$XDG_CACHE_HOME` or `~/.cache`, whichever is set
  /// first; nil if none is. Variables are read as for ``IndexLocation``.
  static func standard(environment: (String) -> String?) -> String? {
    func value(_ name: String) -> String? {
      guard let value = environment(name), !value.isEmpty else { return nil }
      return value
    }
    if let home = value("BLIP_HOME") { return home + "/cache" }
    if let caches = value("XDG_CACHE_HOME"), caches.hasPrefix("/") { return caches + "/blip" }
    return value("HOME").map { $0 + "/.cache/blip" }
  }
}
