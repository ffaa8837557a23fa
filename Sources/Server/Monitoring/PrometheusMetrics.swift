internal import CoreMetrics
import Synchronization

/// Metrics of swift-metrics as Prometheus reads them (text format 0.0.4): counters and meters as they are, timers and
/// recorders as histograms.
final class PrometheusMetrics: MetricsFactory {
  /// A metric's name and labels.
  private struct Key: Hashable {
    let name: String
    let labels: String
  }

  private let values = Mutex<[Key: MetricValue]>([:])

  /// All metrics, by name.
  var text: String {
    let all = values.withLock { $0 }.sorted {
      ($0.key.name, $0.key.labels) < ($1.key.name, $1.key.labels)
    }
    var text = ""
    var previous = ""
    for (key, value) in all {
      if key.name != previous { text += "# TYPE \(key.name) \(value.kind.rawValue)\n" }
      previous = key.name
      text += value.lines(name: key.name, labels: key.labels)
    }
    return text
  }

  /// The metric of a name and labels; those who ask for the same share one.
  private func value(
    _ label: String, _ dimensions: [(String, String)], _ kind: MetricValue.Kind, unit: String = ""
  ) -> MetricValue {
    let labels = dimensions.map { name, value in
      "\(Self.name(name))=\"\(Self.escaped(value))\""
    }.joined(separator: ",")
    let key = Key(name: Self.name(label) + unit, labels: labels)
    return values.withLock { values in
      if let value = values[key] { return value }
      let value = MetricValue(kind)
      values[key] = value
      return value
    }
  }

  private static func name(_ label: String) -> String {
    let name = label.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }
    return String(name)
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
  }

  func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    value(label, dimensions, .counter, unit: "_total")
  }

  func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
    value(label, dimensions, .gauge)
  }

  func makeRecorder(
    label: String, dimensions: [(String, String)], aggregate: Bool
  ) -> any RecorderHandler {
    value(label, dimensions, aggregate ? .histogram : .gauge)
  }

  func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    value(label, dimensions, .histogram, unit: "_seconds")
  }

  func destroyCounter(_ handler: any CounterHandler) {}
  func destroyMeter(_ handler: any MeterHandler) {}
  func destroyRecorder(_ handler: any RecorderHandler) {}
  func destroyTimer(_ handler: any TimerHandler) {}
}

/// The value of a metric.
final class MetricValue: CounterHandler, MeterHandler, RecorderHandler, TimerHandler {
  enum Kind: String { case counter, gauge, histogram }

  private struct State {
    var sum = 0.0
    var count = 0
    /// How many values were at most each bound.
    var buckets = [Int](repeating: 0, count: MetricValue.bounds.count)
  }

  /// In seconds.
  private static let bounds = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
  ]

  let kind: Kind
  private let state = Mutex(State())

  init(_ kind: Kind) { self.kind = kind }

  func increment(by amount: Int64) { increment(by: Double(amount)) }
  func increment(by amount: Double) { state.withLock { $0.sum += amount } }
  func decrement(by amount: Double) { increment(by: -amount) }
  func set(_ value: Int64) { set(Double(value)) }
  func set(_ value: Double) { state.withLock { $0.sum = value } }
  func reset() { state.withLock { $0 = State() } }
  func record(_ value: Int64) { record(Double(value)) }
  func recordNanoseconds(_ duration: Int64) { record(Double(duration) * 1e-9) }

  func record(_ value: Double) {
    guard kind == .histogram else { return set(value) }
    state.withLock { state in
      state.sum += value
      state.count += 1
      for (index, bound) in Self.bounds.enumerated() where value <= bound {
        state.buckets[index] += 1
      }
    }
  }

  /// The lines of the metric.
  func lines(name: String, labels: String) -> String {
    let state = state.withLock { $0 }
    func line(_ suffix: String, _ value: String, bound: String? = nil) -> String {
      let all = [labels, bound.map { "le=\"\($0)\"" } ?? ""].filter { !$0.isEmpty }
      return name + suffix + (all.isEmpty ? "" : "{\(all.joined(separator: ","))}") + " \(value)\n"
    }
    guard kind == .histogram else { return line("", "\(state.sum)") }
    let buckets = zip(Self.bounds, state.buckets).map {
      line("_bucket", "\($0.1)", bound: "\($0.0)")
    }
    return buckets.joined() + line("_bucket", "\(state.count)", bound: "+Inf")
      + line("_sum", "\(state.sum)") + line("_count", "\(state.count)")
  }
}
