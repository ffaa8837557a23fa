@testable import Tensors

/// Gives a convolution its two parameters.
private struct Loader: ParameterVisitor {
  let weight, bias: [Float]

  func visit(_ name: String, _ shape: [Int], _ values: inout [Float]) {
    values = name.hasSuffix("weight") ? weight : bias
  }
}

/// Keeps what is shown, by name and shape.
private struct Collector: ParameterVisitor {
  var shown: [String: [Float]] = [:]

  mutating func visit(_ name: String, _ shape: [Int], _ values: inout [Float]) {
    shown["\(name) \(shape)"] = values
  }
}

extension Convolution {
  mutating func load(_ weight: [Float], _ bias: [Float]) throws {
    var loader = Loader(weight: weight, bias: bias)
    try forEachParameter("", &loader)
  }

  mutating func shown() throws -> [String: [Float]] {
    var collector = Collector()
    try forEachParameter("", &collector)
    return collector.shown
  }
}

extension DepthwiseConvolution {
  mutating func load(_ weight: [Float], _ bias: [Float]) throws {
    var loader = Loader(weight: weight, bias: bias)
    try forEachParameter("", &loader)
  }

  mutating func shown() throws -> [String: [Float]] {
    var collector = Collector()
    try forEachParameter("", &collector)
    return collector.shown
  }
}
