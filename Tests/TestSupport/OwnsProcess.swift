public import Testing

/// Runs a test while no other test of this trait runs: for those that change a setting of the whole
/// process, such as the choice of kernels or, as indexing does, the number of threads, and for those
/// that compare bits, which that would disturb.
public struct OwnsProcess: TestTrait, SuiteTrait, TestScoping {
  /// Of a suite, it holds for each of the tests.
  public var isRecursive: Bool { true }

  /// Waits for the process, and runs the test.
  public func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    await Turn.shared.take()
    do {
      try await function()
    } catch {
      await Turn.shared.pass()
      throw error
    }
    await Turn.shared.pass()
  }
}

extension Trait where Self == OwnsProcess {
  /// Alone among the tests of this trait.
  public static var ownsProcess: Self { OwnsProcess() }
}

/// Whose turn it is; the others wait without holding a thread.
private actor Turn {
  static let shared = Turn()
  private var isTaken = false
  private var waiting: [CheckedContinuation<Void, Never>] = []

  func take() async {
    guard isTaken else { return isTaken = true }
    await withCheckedContinuation { waiting.append($0) }
  }

  func pass() {
    if waiting.isEmpty { isTaken = false } else { waiting.removeFirst().resume() }
  }
}
