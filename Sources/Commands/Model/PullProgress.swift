import Files
import Hub

/// Shows the progress of a download: on a terminal a bar that is redrawn, else a line every few
/// seconds.
struct PullProgress {
  private let console: Console
  private var total = 0
  private var rate = Rate()
  private var lastDrawn = -Double.infinity
  private var hasLine = false

  init(console: Console) { self.console = console }

  mutating func receive(_ event: PullEvent) {
    switch event {
    case .started(let files, let bytes, let present):
      total = bytes
      rate.add(count: present, at: monotonicSeconds())
      let rest = present > 0 ? ", \(size(ofBytes: present)) of it from an earlier run" : ""
      note("downloading \(counted(files, "file")), \(size(ofBytes: bytes))\(rest)")
    case .received(let bytes): draw(bytes)
    case .waiting: note("another process is downloading this model; waiting for it")
    case .retrying(let reason, let seconds):
      note("\(printable(reason)); retrying in \(seconds) s")
      rate = Rate()
    case .cached(let reason): note("\(printable(reason)); using the cached model")
    }
  }

  /// Removes the bar.
  mutating func finish() {
    guard hasLine else { return }
    try? console.write("\r\u{1B}[K")
    hasLine = false
  }

  private mutating func note(_ text: String) {
    finish()
    Console.note(text)
  }

  private mutating func draw(_ bytes: Int) {
    let now = monotonicSeconds()
    // A terminal is redrawn at most ten times a second; a log gets a line every five seconds.
    guard now - lastDrawn >= (console.isTerminal ? 0.1 : 5) else { return }
    let isFirst = lastDrawn < 0
    lastDrawn = now
    rate.add(count: bytes, at: now)
    var numbers = "\(size(ofBytes: bytes))/\(size(ofBytes: total))"
    if let perSecond = rate.perSecond {
      numbers += ", \(size(ofBytes: Int(perSecond)))/s, "
      numbers += "\(clock(Double(total - bytes) / perSecond)) left"
    }
    if console.isTerminal {
      let share = min(1, Double(bytes) / Double(max(total, 1)))
      let bar = progressBar(label: "downloading", share: share, numbers: numbers, console: console)
      try? console.write("\r\u{1B}[K\(bar)")
      hasLine = true
    } else if !isFirst {
      Console.note(numbers)
    }
  }
}
