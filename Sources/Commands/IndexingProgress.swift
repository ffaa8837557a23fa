import Glibc
import Retrieval

/// Shows how an indexing run goes on: a bar that redraws itself on a terminal, a line every few
/// seconds elsewhere; at the end, what failed.
struct IndexingProgress {
  private let console: Console
  private var phase = Phase.looking
  private var done = 0
  private var total = 0
  private var rate = Rate()
  private var lastDrawn = -Double.infinity
  private var hasLine = false
  private var failures: [(path: String, reason: String)] = []
  private var failureCount = 0

  /// As many failures are listed with their reasons.
  private static let listedFailures = 20

  /// Fewer are arranged before anyone wonders.
  private static let manyVectors = 50_000

  private enum Phase: String {
    case looking = "looking for pictures"
    case pictures = "pictures"
    case texts = "texts"
  }

  init(console: Console) {
    self.console = console
    draw(now: monotonicSeconds())
  }

  mutating func receive(_ event: IndexingEvent) {
    switch event {
    case .waiting(let holder):
      clear()
      Console.noteWaiting(for: holder)
    case .scanned(let found, let toEncode):
      clear()
      Console.note("found \(counted(found, "picture")), \(toEncode) to encode")
      start(.pictures, total: toEncode)
    case .encoded(let count):
      done = count
      step()
    case .texts(let count, let of):
      if phase != .texts { start(.texts, total: of) }
      done = count
      step()
    case .arranging(let count):
      clear()
      if count > Self.manyVectors { Console.note("arranging \(count) embeddings for the search") }
    case .failed(let path, let reason):
      failureCount += 1
      if failures.count < Self.listedFailures { failures.append((path, reason)) }
    case .warning(let text):
      clear()
      Console.note(printable(text))
    }
  }

  /// Takes the bar away and lists what failed.
  mutating func finish() {
    clear()
    guard failureCount > 0 else { return }
    Console.note("\(counted(failureCount, "picture")) could not be indexed:")
    for failure in failures {
      try? console.write("  \(printable(failure.path)): \(printable(failure.reason))\n")
    }
    if failureCount > failures.count {
      try? console.write("  and \(failureCount - failures.count) more (blip info --failures)\n")
    }
    failureCount = 0
  }

  private mutating func start(_ phase: Phase, total: Int) {
    self.phase = phase
    self.total = total
    done = 0
    rate = Rate()
    let now = monotonicSeconds()
    rate.add(count: 0, at: now)
    if console.isTerminal, total > 0 { draw(now: now) }
  }

  private mutating func step() {
    let now = monotonicSeconds()
    rate.add(count: done, at: now)
    // A terminal is redrawn ten times a second at most, a log gets a line every five seconds.
    guard now - lastDrawn >= (console.isTerminal ? 0.1 : 5) else { return }
    draw(now: now)
  }

  private mutating func draw(now: Double) {
    lastDrawn = now
    guard console.isTerminal else {
      if phase != .looking { Console.note("\(done) of \(total) \(phase.rawValue)\(pace)") }
      return
    }
    let bar =
      total > 0
      ? progressBar(
        label: phase.rawValue, share: min(1, Double(done) / Double(total)),
        numbers: "\(done)/\(total)\(pace)", console: console)
      : String("\(phase.rawValue) …".prefix(console.width - 1))
    try? console.write("\r\u{1B}[K\(bar)")
    hasLine = true
  }

  private mutating func clear() {
    guard hasLine else { return }
    try? console.write("\r\u{1B}[K")
    hasLine = false
  }

  /// ", 41.5/s, 0:12 left", as soon as it is known.
  private var pace: String {
    guard let perSecond = rate.perSecond, perSecond > 0 else { return "" }
    return ", \(fixed(perSecond, 1))/s, \(clock(Double(total - done) / perSecond)) left"
  }
}

/// Things done a second over the last while, so that a pause or a run of cheap pictures shows.
struct Rate {
  private static let window = 15.0
  private var samples: [(time: Double, count: Int)] = []

  mutating func add(count: Int, at time: Double) {
    samples.append((time, count))
    while samples.count > 2, time - samples[1].time > Self.window { samples.removeFirst() }
  }

  /// Nil until something was done over a measurable time.
  var perSecond: Double? {
    guard let first = samples.first, let last = samples.last, last.time - first.time > 0.2,
      last.count > first.count
    else { return nil }
    return Double(last.count - first.count) / (last.time - first.time)
  }
}

/// Seconds on a clock that only goes forward.
func monotonicSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
