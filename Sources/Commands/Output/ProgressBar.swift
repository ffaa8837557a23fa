import Files
import Glibc

/// Progress on standard error: a bar that is redrawn on a terminal, else a line every few seconds.
struct ProgressBar {
  private let console: Console
  private var label: String
  private var done = 0
  private var total = 0
  private var rate = Rate()
  private var lastDrawn = -Double.infinity
  private var hasLine = false

  /// Starts without a known total.
  init(_ label: String, console: Console) {
    self.console = console
    self.label = label
    if console.isTerminal { draw(now: monotonicSeconds()) }
  }

  /// Starts counting to `total`.
  mutating func start(_ label: String, total: Int) {
    self.label = label
    self.total = total
    done = 0
    rate = Rate()
    let now = monotonicSeconds()
    rate.add(count: 0, at: now)
    if console.isTerminal, total > 0 { draw(now: now) }
  }

  /// Sets how many are done.
  mutating func advance(to count: Int) {
    done = count
    let now = monotonicSeconds()
    rate.add(count: done, at: now)
    // A terminal is redrawn at most ten times a second; a log gets a line every five seconds.
    guard now - lastDrawn >= (console.isTerminal ? 0.1 : 5) else { return }
    draw(now: now)
  }

  /// Removes the bar until it is drawn again.
  mutating func clear() {
    guard hasLine else { return }
    try? console.write("\r\u{1B}[K")
    hasLine = false
  }

  private mutating func draw(now: Double) {
    lastDrawn = now
    guard console.isTerminal else {
      return Console.note("\(done) of \(total) \(label)\(pace)")
    }
    try? console.write("\r\u{1B}[K\(line)")
    hasLine = true
  }

  /// ", 41.5/s, 0:12 left", once the rate is known.
  private var pace: String {
    guard let perSecond = rate.perSecond, perSecond > 0 else { return "" }
    return ", \(fixed(perSecond, 1))/s, \(clock(Double(total - done) / perSecond)) left"
  }

  private var line: String {
    guard total > 0 else { return String("\(label) …".prefix(console.width - 1)) }
    return progressBar(
      label: label, share: min(1, Double(done) / Double(total)),
      numbers: "\(done)/\(total)\(pace)", console: console)
  }
}

/// "label ━━━━──── 41%  numbers", cut to fit the terminal's width.
func progressBar(label: String, share: Double, numbers: String, console: Console) -> String {
  let numbers = " \(fixed(share * 100, 0))%  \(numbers)"
  let room = console.width - 1 - label.count - 1 - numbers.count
  guard room >= 5 else { return String("\(label)\(numbers)".prefix(console.width - 1)) }
  let cells = min(room, 40)
  let filled = Int(share * Double(cells))
  return label + " " + String(repeating: "━", count: filled)
    + console.dimmed(String(repeating: "─", count: cells - filled)) + numbers
}

/// Items per second over the last 15 seconds, so that the rate follows changes of pace.
struct Rate {
  private static let window = 15.0
  private var samples: [(time: Double, count: Int)] = []

  mutating func add(count: Int, at time: Double) {
    samples.append((time, count))
    while samples.count > 2, time - samples[1].time > Self.window { samples.removeFirst() }
  }

  /// Nil until the samples span a measurable time.
  var perSecond: Double? {
    guard let first = samples.first, let last = samples.last, last.time - first.time > 0.2,
      last.count > first.count
    else { return nil }
    return Double(last.count - first.count) / (last.time - first.time)
  }
}
