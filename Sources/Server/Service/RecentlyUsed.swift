import Synchronization

/// Values by keys, the most recently used ones of which are kept.
final class RecentlyUsed<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  private struct State {
    var values: [Key: (value: Value, used: UInt64)] = [:]
    var time: UInt64 = 0
  }

  private let state = Mutex(State())
  private let most: Int

  init(most: Int) { self.most = most }

  /// The value of a key; nil where there is none, or it was not used for long.
  subscript(key: Key) -> Value? {
    state.withLock { state in
      guard let found = state.values[key] else { return nil }
      state.time += 1
      state.values[key] = (found.value, state.time)
      return found.value
    }
  }

  /// Keeps a value.
  func insert(_ value: Value, for key: Key) {
    state.withLock { state in
      state.time += 1
      state.values[key] = (value, state.time)
      // So few that a search among all of them does no harm.
      if state.values.count > most,
        let oldest = state.values.min(by: { $0.value.used < $1.value.used })?.key
      {
        state.values[oldest] = nil
      }
    }
  }
}
