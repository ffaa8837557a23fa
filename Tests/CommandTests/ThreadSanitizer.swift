import Glibc
import Testing

extension Trait where Self == ConditionTrait {
  /// For tests of limits that the thread sanitizer exceeds by itself: it grows a file of its own, and
  /// needs descriptors to find out what a report is about before it can suppress it.
  static var notUnderThreadSanitizer: Self {
    .enabled(
      if: getenv("TSAN_OPTIONS") == nil, "the thread sanitizer takes files and descriptors itself")
  }
}
