internal import Tensors

/// AdamW over all parameters of a network that are not frozen, all in one group as BLIP has them:
/// weight decay holds for biases, norms and the temperature too. `torch.optim.AdamW`'s arithmetic.
public struct Optimizer: Sendable {
  /// λ: every step a parameter loses rate · λ of itself.
  public var weightDecay: Float
  /// The norm that the gradient of a step, all parameters together, is scaled down to where it is
  /// larger; nil: BLIP does not clip.
  public var clipping: Double?
  /// How many steps were made.
  public private(set) var steps = 0

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

  /// An optimiser that has made no step.
  public init(weightDecay: Float = 0.05, clipping: Double? = nil) {
    self.weightDecay = weightDecay
    self.clipping = clipping
  }

  /// What a stem learns at, of the learning rate: the share that VSE++ (Faghri et al., 2018) fine-tunes
  /// its convolutions with. They have seen a million pictures more than the rest.
  static let shareOfStem = 0.1

  /// Makes one step.
  /// - Parameters:
  ///   - parameters: Those of the network, in its order; frozen ones are not touched.
  ///   - gradients: Sums over the micro-batches, in the same order.
  ///   - microBatches: How many were summed; the step is made by their mean.
  ///   - rate: The learning rate.
  /// - Returns: The norm of the gradient before clipping.
  /// - Throws: Where the gradient is not finite; then nothing was changed.
  public mutating func update(
    _ parameters: inout [Parameter], gradients: [Parameter], microBatches: Int = 1, rate: Double,
    freezing: Freezing
  ) throws(TrainingError) -> Double {
    precondition(parameters.count == gradients.count && microBatches > 0)
    let trained = parameters.indices.filter { !freezing.contains(parameters[$0].name) }
    let squares = trained.reduce(0) { $0 + sumOfSquares(gradients[$1].values) }
    let norm = squares.squareRoot() / Double(microBatches)
    guard norm.isFinite else {
      throw TrainingError(
        "the gradient of step \(steps + 1) is not a number; go on from the last checkpoint with a "
          + "lower learning rate or with clipping")
    }
    steps += 1
    // clip_grad_norm_ adds 1e-6 to the norm too.
    let clipped = clipping.map { min(1, $0 / (norm + 1e-6)) } ?? 1
    for index in trained {
      let (name, count) = (parameters[index].name, parameters[index].values.count)
      let share = StemTail.has(name) ? Self.shareOfStem : 1
      let step = AdamWStep(
        number: steps, learningRate: Float(rate * share), weightDecay: weightDecay,
        gradientScale: Float(clipped / Double(microBatches)))
      moments[name, default: .zeros(count)].move(
        &parameters[index].values, against: gradients[index].values, step)
    }
    return norm
  }
}

// MARK: - State

extension Optimizer {
  /// What a run needs to go on bit for bit: two arrays a trained parameter, and the number of steps.
  public func state() -> [Parameter] {
    // A Float counts to 16 million.
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

  /// Takes back what `state` gave.
  /// - Parameters:
  ///   - parameters: Those that are trained.
  ///   - read: Gives the array of a name and shape, or throws.
  mutating func restore(
    _ parameters: [Parameter], _ read: StateReader
  ) throws {
    guard let steps = Int(exactly: try read("optimizer.steps", [1])[0]), steps >= 0 else {
      throw TrainingError(
        "the checkpoint's number of steps is damaged; go on from the one before, or train anew")
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

/// Gives the array that a checkpoint keeps under a name, which has to have the given shape.
public typealias StateReader = (_ name: String, _ shape: [Int]) throws -> [Float]
