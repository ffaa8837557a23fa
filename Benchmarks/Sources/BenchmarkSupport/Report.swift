import Foundation
import Tensors

/// One line of a benchmark's result.
public struct Row: Codable, Sendable {
  /// What was done.
  public let work: String
  /// The figure, in `unit`.
  public let value: Double
  /// Smallest and largest of the samples, where there are several.
  public let spread: [Double]
  /// Of what the figure is.
  public let unit: String
  /// What was asked for, if anything was.
  public let target: String

  /// A figure that was measured once.
  public init(work: String, value: Double, spread: [Double] = [], unit: String, target: String = "")
  {
    self.work = work
    self.value = value
    self.spread = spread
    self.unit = unit
    self.target = target
  }

  /// The median of samples.
  public init(work: String, samples: Samples, unit: String, target: String = "") {
    self.init(
      work: work, value: samples.median,
      spread: [samples.spread.lowerBound, samples.spread.upperBound], unit: unit, target: target)
  }
}

/// Prints rows as a table that a person reads, and writes them as JSON that a program does.
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

/// The processor and the kernels in use, in a line.
public func machine() -> String { "\(ComputeReport.current)" }
