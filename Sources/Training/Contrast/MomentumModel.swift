internal import Tensors

/// A moving average of the unimodal encoders with their projections: it gives ITC's queue embeddings
/// that stay comparable, and soft targets.
struct MomentumModel: Sendable {
  /// Only its unimodal encoders are used.
  private(set) var model: TrainableModel

  /// The share of itself that the average keeps in a step.
  static let momentum: Float = 0.995

  /// Starts as a copy of the student; what never changes is shared.
  init(of student: TrainableModel) { model = student }

  /// Whether a parameter is averaged.
  static func follows(_ parameter: String, _ freezing: Freezing) -> Bool {
    (Tower.vision.has(parameter) || Tower.text.has(parameter))
      && !freezing.contains(parameter)
  }

  /// Moves towards the student by one step.
  mutating func follow(_ student: inout TrainableModel, _ freezing: Freezing) {
    let ahead = student.takeParameters()
    defer { student.putParameters(ahead) }
    var own = model.takeParameters()
    for index in own.indices where Self.follows(own[index].name, freezing) {
      average(&own[index].values, towards: ahead[index].values, keeping: Self.momentum)
    }
    model.putParameters(own)
  }

  /// What a run needs to resume.
  func state(_ freezing: Freezing) -> [Parameter] {
    var copy = model
    return copy.takeParameters().filter { Self.follows($0.name, freezing) }.map {
      Parameter(name: "momentum.\($0.name)", shape: $0.shape, values: $0.values)
    }
  }

  /// Restores what `state` returned.
  mutating func restore(_ freezing: Freezing, _ read: StateReader) throws {
    var own = model.takeParameters()
    defer { model.putParameters(own) }
    for index in own.indices where Self.follows(own[index].name, freezing) {
      own[index].values = try read("momentum.\(own[index].name)", own[index].shape)
    }
  }
}
