internal import FoundationEssentials
internal import Glibc

/// `log.jsonl`: a line of JSON for each step and each evaluation.
struct RunLog {
  private(set) var steps: [StepReport] = []
  private(set) var evaluations: [EvaluationReport] = []
  private let path: String
  private let file: UnsafeMutablePointer<FILE>

  /// Continues the log of a run that made `step` steps and no evaluation after them; what an
  /// interrupted run wrote after that is dropped.
  init(_ path: String, after step: Int) throws(TrainingError) {
    self.path = path
    let old = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    for line in old.split(separator: "\n") {
      let data = Data(line.utf8)
      if let report = try? JSONDecoder().decode(StepReport.self, from: data) {
        if report.step <= step { steps.append(report) }
      } else if let report = try? JSONDecoder().decode(EvaluationReport.self, from: data) {
        if report.step < step { evaluations.append(report) }
      }
    }
    guard let file = fopen(path, "w") else { throw Self.failure(path) }
    self.file = file
    var evaluated = evaluations[...]
    for report in steps {
      try write(report)
      while let next = evaluated.first, next.step == report.step {
        try write(next)
        evaluated.removeFirst()
      }
    }
    try flush()
  }

  mutating func append(_ report: StepReport) throws(TrainingError) {
    steps.append(report)
    try write(report)
  }

  mutating func append(_ report: EvaluationReport) throws(TrainingError) {
    evaluations.append(report)
    try write(report)
    try flush()
  }

  func flush() throws(TrainingError) {
    guard fflush(file) == 0 else { throw Self.failure(path) }
  }

  func close() { fclose(file) }

  private func write(_ report: some Encodable) throws(TrainingError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    guard var line = try? Array(encoder.encode(report)) else {
      throw TrainingError("\(path): cannot encode a number of this step")
    }
    line.append(UInt8(ascii: "\n"))
    guard fwrite(line, 1, line.count, file) == line.count else { throw Self.failure(path) }
  }

  private static func failure(_ path: String) -> TrainingError {
    TrainingError("\(path): cannot be written: \(String(cString: strerror(errno)))")
  }
}
