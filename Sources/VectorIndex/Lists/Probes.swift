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
    let greatest = scores.max() ?? -.infinity
    let least = greatest - margin
    var chosen: [(list: Int, score: Float)] = []
    scores.withUnsafeBytes { bytes in
      typealias Lanes = SIMD8<Float>
      var list = 0
      while list < scores.count {
        let lanes = bytes.loadUnaligned(fromByteOffset: 4 * list, as: Lanes.self)
        if any(lanes .>= least) {
          for lane in 0..<8 where lanes[lane] >= least && lanes[lane] > -.infinity {
            chosen.append((list + lane, lanes[lane]))
          }
        }
        list += 8
      }
    }
    chosen.sort { ($1.score, $0.list) < ($0.score, $1.list) }
    return chosen.prefix(nprobe).map(\.list)
  }
}
