internal import BLIP
internal import Tensors

/// AdamW over all parameters that are not frozen, in one group as in BLIP: weight decay applies to
/// biases, norms and the temperature too. The arithmetic is that of `torch.optim.AdamW`.
struct Optimizer: Sendable {
  /// λ: every step reduces a parameter by rate · λ of itself.
  var weightDecay: Float
  /// The norm to which a larger gradient, of all parameters together, is scaled down; nil for no
  /// clipping, as BLIP.
  var clipping: Double?
  /// Number of steps made.
  private(set) var steps = 0

  /// The running means of a parameter's gradient and of its square.
  private struct Moments: Sendable {
    var first, second: [Float]

    static func zeros(_ count: Int) -> Moments {
      let zeros = [Float](repeating: 0, count: count)
      return Moments(first: zeros, second: zeros)
    }

    mutating func move(_ values: inout [Float], against gradient: [Float], _ step: AdamWStep) {
      adamW(&values, gradient: gradient, first: &first, second: &second, step)
    }
  }
  private var moments: [String: Moments] = [:]

  /// An optimizer before its first step.
  init(weightDecay: Float = 0.05, clipping: Double? = nil) {
    self.weightDecay = weightDecay
    self.clipping = clipping
  }

  /// The factor of a stem's learning rate: the one with which VSE++ (Faghri et al., 2018) fine-tunes
  /// its convolutions, which were trained on a million more pictures than the rest.
  static let stemRateFactor = 0.1

  /// Makes one step.
  /// - Parameters:
  ///   - parameters: Those of the model, in its order; frozen ones are not changed.
  ///   - gradients: Sums over the micro-batches, in the same order.
  ///   - microBatches: Number of micro-batches; the step uses their mean.
  ///   - rate: The learning rate.
  /// - Returns: The norm of the gradient before clipping.
  /// - Throws: If the gradient is not finite; nothing is changed then.
  mutating func update(
    _ parameters: inout [Parameter], gradients: [Parameter], microBatches: Int = 1, rate: Double,
    freezing: Freezing
  ) throws(TrainingError) -> Double {
    precondition(parameters.count == gradients.count && microBatches > 0)
    let trained = parameters.indices.filter { !freezing.contains(parameters[$0].name) }
    let squares = trained.reduce(0) { $0 + sumOfSquares(gradients[$1].values) }
    let norm = squares.squareRoot() / Double(microBatches)
    guard norm.isFinite else {
      throw TrainingError(
        "the gradient of step \(steps + 1) is not a number; resume from the last checkpoint with a "
          + "lower learning rate or with gradient clipping", remedy: .smallerSteps)
    }
    steps += 1
    // clip_grad_norm_ adds 1e-6 to the norm too.
    let clipped = clipping.map { min(1, $0 / (norm + 1e-6)) } ?? 1
    for index in trained {
      let (name, count) = (parameters[index].name, parameters[index].values.count)
      let factor = ConvolutionalStem.has(name) ? Self.stemRateFactor : 1
      let step = AdamWStep(
        number: steps, learningRate: Float(rate * factor), weightDecay: weightDecay,
        gradientScale: Float(clipped / Double(microBatches)))
      moments[name, default: .zeros(count)].move(
        &parameters[index].values, against: gradients[index].values, step)
    }
    return norm
  }
}

// MARK: - State

extension Optimizer {
  /// What a run needs to resume bit for bit: two arrays for each trained parameter, and the number of
  /// steps.
  func state() -> [Parameter] {
    // Floats represent integers up to 16 million exactly.
    [Parameter(name: "optimizer.steps", shape: [1], values: [Float(steps)])]
      + moments.sorted { $0.key < $1.key }.flatMap { name, moments in
        [
          Parameter(
            name: "optimizer.first.\(name)", shape: [moments.first.count], values: moments.first),
          Parameter(
            name: "optimizer.second.\(name)", shape: [moments.second.count],
            values: moments.second),
        ]
      }
  }

  /// Restores what `state` returned.
  /// - Parameters:
  ///   - parameters: Those that are trained.
  ///   - read: Returns the array of a name and shape, or throws.
  mutating func restore(
    _ parameters: [Parameter], _ read: StateReader
  ) throws {
    guard let steps = Int(exactly: try read("optimizer.steps", [1])[0]), steps >= 0 else {
      throw TrainingError(
        "the checkpoint's number of steps is damaged; resume from an earlier one, or start again")
    }
    self.steps = steps
    moments = [:]
    for parameter in parameters {
      let shape = [parameter.values.count]
      moments[parameter.name] = Moments(
        first: try read("optimizer.first.\(parameter.name)", shape),
        second: try read("optimizer.second.\(parameter.name)", shape))
    }
  }
}

/// Returns the array of a name in a checkpoint, which must have the given shape.
typealias StateReader = (_ name: String, _ shape: [Int]) throws -> [Float]
