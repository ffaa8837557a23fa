internal import Tensors

/// A copy of the unimodal encoders with their projections that follows the student slowly: it gives
/// ITC's queue embeddings that keep, and softens its targets.
struct MomentumModel: Sendable {
  /// Only its unimodal encoders are of use.
  private(set) var network: Network

  /// How much of itself it keeps a step.
  static let keeping: Float = 0.995

  /// Starts as the student is. What never changes is not copied.
  init(of student: Network) { network = student }

  /// Whether it has a copy of a parameter of its own.
  static func follows(_ parameter: String, _ freezing: Freezing) -> Bool {
    (Tower.vision.has(parameter) || Tower.text.has(parameter))
      && !freezing.contains(parameter)
  }

  /// Takes a step after the student.
  mutating func follow(_ student: inout Network, _ freezing: Freezing) {
    let ahead = student.takeParameters()
    defer { student.putParameters(ahead) }
    var own = network.takeParameters()
    for index in own.indices where Self.follows(own[index].name, freezing) {
      average(&own[index].values, towards: ahead[index].values, keeping: Self.keeping)
    }
    network.putParameters(own)
  }

  /// What a run needs to go on.
  func state(_ freezing: Freezing) -> [Parameter] {
    var copy = network
    return copy.takeParameters().filter { Self.follows($0.name, freezing) }.map {
      Parameter(name: "momentum.\($0.name)", shape: $0.shape, values: $0.values)
    }
  }

  /// Takes back what `state` gave.
  mutating func restore(_ freezing: Freezing, _ read: StateReader) throws {
    var own = network.takeParameters()
    defer { network.putParameters(own) }
    for index in own.indices where Self.follows(own[index].name, freezing) {
      own[index].values = try read("momentum.\(own[index].name)", own[index].shape)
    }
  }
}
