import Glibc
import Testing

extension Trait where Self == ConditionTrait {
  /// For tests of what the thread sanitizer does not leave to the program: it grows a file of its own,
  /// needs descriptors to find out what a report is about before it can suppress it, and holds a second
  /// signal back while the first one's handler runs.
  static var notUnderThreadSanitizer: Self {
    .enabled(
      if: getenv("TSAN_OPTIONS") == nil, "the thread sanitizer has files and signals of its own")
  }

  /// For tests of little address space, of which both sanitizers reserve terabytes.
  static var notUnderSanitizers: Self {
    .enabled(
      if: getenv("ASAN_OPTIONS") == nil && getenv("TSAN_OPTIONS") == nil,
      "the sanitizers reserve terabytes of address space")
  }
}
