public import Testing

/// Runs a test while no other test with this trait runs: for tests that change a process-wide
/// setting, such as the choice of kernels or the number of threads (as indexing does), and for
/// tests that compare results bit by bit, which such a change would affect.
public struct OwnsProcess: TestTrait, SuiteTrait, TestScoping {
  /// On a suite, the trait applies to each of its tests.
  public var isRecursive: Bool { true }

  /// Waits until no other such test runs, then runs the test.
  public func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    await ProcessLock.shared.lock()
    do {
      try await function()
    } catch {
      await ProcessLock.shared.unlock()
      throw error
    }
    await ProcessLock.shared.unlock()
  }
}

extension Trait where Self == OwnsProcess {
  /// Runs the test alone among the tests with this trait.
  public static var ownsProcess: Self { OwnsProcess() }
}

/// A lock on which tests wait without blocking a thread.
private actor ProcessLock {
  static let shared = ProcessLock()
  private var isLocked = false
  private var waiting: [CheckedContinuation<Void, Never>] = []

  func lock() async {
    guard isLocked else { return isLocked = true }
    await withCheckedContinuation { waiting.append($0) }
  }

  func unlock() {
    if waiting.isEmpty { isLocked = false } else { waiting.removeFirst().resume() }
  }
}
