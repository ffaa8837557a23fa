import BLIP
import Captions
import Evaluation
import Files
import Glibc
import RankingMetrics
import Retrieval

/// The results of an evaluation, as text and as JSON.
struct BenchSummary {
  let report: RetrievalReport

  /// "1000 pictures, 5000 texts, blip-mini in fp32; ordered by match logit + 20 × cosine".
  var subject: String {
    let texts = report.set.pictures.reduce(0) { $0 + $1.captions.count }
    let part = report.set.split.map { " (\($0))" } ?? ""
    return "\(counted(report.set.pictures.count, "picture")), \(counted(texts, "text"))\(part), "
      + "\(report.model.name) in \(report.precision.rawValue); ordered by \(order)"
      + (report.isHubCorrected ? ", corrected for hubs" : "")
  }

  private var order: String {
    guard let itcWeight = report.itcWeight else { return "calibrated probability" }
    let weight = Double(itcWeight)
    let shown = weight == weight.rounded() ? fixed(weight, 0) : "\(itcWeight)"
    return "match logit + \(shown) × cosine"
  }

  /// A table by depth, and the reliability of probabilities.
  var text: String {
    let heading = [
      "depth", "txt R@1", "R@5", "R@10", "img R@1", "R@5", "R@10", "mean", "ms/search", "pairs",
    ]
    let rows = report.depths.map { depth in
      ["\(depth.depth)"]
        + ["txt_r1", "txt_r5", "txt_r10", "img_r1", "img_r5", "img_r10", "r_mean"].map {
          fixed(depth.metrics[$0], 2)
        } + [depth.milliseconds.map { fixed($0, 1) } ?? "–", "\(depth.pairs)"]
    }
    var text =
      printable(subject) + "\n\n" + Table.aligned([heading] + rows, rightAligned: Set(0..<10))
    text += "\ntxt: picture → text, img: text → picture, in percent\n"
    if report.scored > 0, report.scoringSeconds > 0 {
      text +=
        "scored \(counted(report.scored, "pair")) in \(duration(report.scoringSeconds)), "
        + "\(fixed(1000 * report.scoringSeconds / Double(report.scored), 2)) ms each\n"
    }
    return text + (report.matching.map(Self.text) ?? "")
  }

  private static func text(_ matching: MatchAnalysis) -> String {
    let text =
      "\nprobability (\(matching.isCalibrated ? "calibrated" : "ITM's, not calibrated")): "
      + "calibration error \(share(matching.error))"
      + (matching.errorByCosine.map { ", by cosine alone \(share($0))" } ?? "")
      + "; log-loss \(fixed(matching.loss, 4))\n"
      + "is the picture there at all? (tested by removing the pictures of queries; area under the ROC "
      + "curve \(fixed(matching.presenceByProbability, 3)), by cosine "
      + "\(fixed(matching.presenceByCosine, 3)))\n"
    let rows = matching.presence.map {
      [
        "  probability ≥ \(fixed(Double($0.threshold), 1))",
        "precision \($0.precision.map(share) ?? "–")", "recall \(share($0.recall))",
      ]
    }
    return text + Table.aligned(rows, rightAligned: [])
  }

  private static func share(_ share: Double) -> String { "\(fixed(100 * share, 1)) %" }

  /// All results; metrics by depth under BLIP's names.
  var json: JSONOutput {
    .object([
      ("captions", .string(report.set.file)), ("split", report.set.split.map { .string($0) }),
      ("pictures", .integer(report.set.pictures.count)),
      ("texts", .integer(report.set.pictures.reduce(0) { $0 + $1.captions.count })),
      (
        "model",
        .object([
          ("name", .string(report.model.name)), ("fingerprint", .string(report.model.fingerprint)),
          ("precision", .string(report.precision.rawValue)),
          ("itc_weight", report.itcWeight.map { .float($0) }),
          ("hub_corrected", .boolean(report.isHubCorrected)),
        ])
      ),
      ("machine", .string(Machine.description)),
      ("depths", .object(report.depths.map { (key: "\($0.depth)", value: Self.json($0)) })),
      ("pairs_scored", .integer(report.scored)),
      ("pairs_scored_before", .integer(report.scoredBefore)),
      ("scoring_seconds", .float(Float(report.scoringSeconds))),
      ("seconds", .float(Float(report.seconds))),
      ("matching", report.matching.map(Self.json)),
    ])
  }

  private static func json(_ depth: RetrievalReport.Depth) -> JSONOutput {
    .object(
      depth.metrics.values.map { (key: $0.key, value: .float(Float($0.value))) } + [
        ("ms_per_query", depth.milliseconds.map { .float(Float($0)) }),
        ("pairs", .integer(depth.pairs)),
      ])
  }

  private static func json(_ matching: MatchAnalysis) -> JSONOutput {
    .object([
      ("calibrated", .boolean(matching.isCalibrated)),
      ("expected_calibration_error", .float(Float(matching.error))),
      ("expected_calibration_error_by_cosine", matching.errorByCosine.map { .float(Float($0)) }),
      ("log_loss", .float(Float(matching.loss))),
      ("presence_auc", .float(Float(matching.presenceByProbability))),
      ("presence_auc_by_cosine", .float(Float(matching.presenceByCosine))),
      (
        "presence",
        .array(
          matching.presence.map {
            .object([
              ("threshold", .float($0.threshold)),
              ("precision", $0.precision.map { .float(Float($0)) }),
              ("recall", .float(Float($0.recall))),
            ])
          })
      ),
    ])
  }
}

/// The machine that measurements were taken on.
enum Machine {
  /// The processor's name and the number of cores online.
  static var description: String {
    var name = "unknown processor"
    if let file = fopen("/proc/cpuinfo", "re") {
      defer { fclose(file) }
      var line = [CChar](repeating: 0, count: 1024)
      while fgets(&line, Int32(line.count), file) != nil {
        let text = String(
          decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        guard text.hasPrefix("model name"), let colon = text.firstIndex(of: ":") else { continue }
        name = text[text.index(after: colon)...].split(separator: " ").joined(separator: " ")
          .split(separator: "\n").joined()
        break
      }
    }
    return "\(name), \(counted(sysconf(Int32(_SC_NPROCESSORS_ONLN)), "core"))"
  }
}
