/// Which of an index's lists a query probes: those whose score is less than `margin` below the best
/// list's, the best `nprobe` at most.
///
/// A query amid a cluster needs a list or two, one between clusters needs many, and the scores tell
/// which it is: for the same recall a margin scans half to a third of the vectors that one number of
/// lists for all queries does.
public struct Probes: Sendable, Equatable {
  /// How far below the best list's score a list may be.
  public var margin: Float
  /// Most lists that are probed.
  public var nprobe: Int

  /// Those lists.
  public init(margin: Float, nprobe: Int) {
    self.margin = margin
    self.nprobe = nprobe
  }

  /// The best `nprobe` lists whatever their scores; all where there are no more.
  public static func best(_ nprobe: Int) -> Probes { Probes(margin: .infinity, nprobe: nprobe) }

  /// Every list.
  public static let all = Probes.best(.max)

  /// The lists with those scores, of which lists that are none have −infinity; the best first, the
  /// first of equals first.
  func chosen(from scores: [Float]) -> [Int] {
    let most = min(nprobe, scores.count)
    var least = (scores.max() ?? -.infinity) - margin
    var chosen: [(list: Int, score: Float)] = []
    func keepBest() {
      chosen.sort { ($1.score, $0.list) < ($0.score, $1.list) }
      chosen.removeLast(max(0, chosen.count - most))
    }
    scores.withUnsafeBytes { bytes in
      typealias Lanes = SIMD8<Float>
      for first in stride(from: 0, to: scores.count, by: 8) {
        let lanes = bytes.loadUnaligned(fromByteOffset: 4 * first, as: Lanes.self)
        guard any(lanes .>= least) else { continue }
        for lane in 0..<8 where lanes[lane] >= least && lanes[lane] > -.infinity {
          chosen.append((first + lane, lanes[lane]))
        }
        // Few of thousands of lists are kept, so sort them now and then and skip what cannot be among them.
        if chosen.count >= 2 * most + 64, most > 0 {
          keepBest()
          least = max(least, chosen[most - 1].score)
        }
      }
    }
    keepBest()
    return chosen.map(\.list)
  }
}
