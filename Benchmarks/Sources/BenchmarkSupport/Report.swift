import Foundation
import Tensors

/// One row of a benchmark's results.
public struct Row: Codable, Sendable {
  /// What was measured.
  public let work: String
  /// The figure, in `unit`.
  public let value: Double
  /// The smallest and largest sample; empty if there is only one.
  public let spread: [Double]
  /// The unit of the figure.
  public let unit: String
  /// The target, or an empty string.
  public let target: String

  /// A single measurement.
  public init(work: String, value: Double, spread: [Double] = [], unit: String, target: String = "")
  {
    self.work = work
    self.value = value
    self.spread = spread
    self.unit = unit
    self.target = target
  }

  /// The median and spread of samples.
  public init(work: String, samples: Samples, unit: String, target: String = "") {
    self.init(
      work: work, value: samples.median,
      spread: [samples.spread.lowerBound, samples.spread.upperBound], unit: unit, target: target)
  }
}

/// Prints rows as a table and writes them as JSON to `path`.
public func report(_ rows: [Row], title: String, json path: String) throws {
  func short(_ value: Double) -> String { String(format: value < 100 ? "%.2f" : "%.1f", value) }
  let cells = rows.map { row in
    [
      row.work, short(row.value) + " " + row.unit,
      row.spread.isEmpty ? "" : row.spread.map(short).joined(separator: "–"), row.target,
    ]
  }
  let header = ["work", "median", "spread", "target"]
  let widths = (0..<4).map { column in
    ([header] + cells).map { $0[column].count }.max() ?? 0
  }
  print("\n\(title)\n\(machine())\n")
  for line in [header] + cells {
    let padded = zip(line, widths).map { text, width in
      text + String(repeating: " ", count: width - text.count)
    }
    print(padded.joined(separator: "  "))
  }
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
  try encoder.encode(rows).write(to: URL(fileURLWithPath: path))
  print("\nAs JSON: \(path)")
}

/// The processor and the kernels in use, in one line.
public func machine() -> String { "\(ComputeReport.current)" }
