/// How a model folder stores the matrices that are written to it.
public enum WeightStorage: String, Sendable, CaseIterable {
  /// As F32.
  case fp32
  /// As I8 with a scale for every row, except tensors of one row or of at most 4,096 numbers: a
  /// quarter of the bytes.
  case int8

  /// A tensor as this stores it, row-major; with its scales where it has any.
  func stored(_ name: String, _ shape: [Int], _ values: [Float]) -> [TensorToWrite] {
    guard self == .int8, Self.isMatrix(shape) else {
      return [TensorToWrite(name: name, shape: shape, content: .floats(values))]
    }
    let width = values.count / shape[0]
    var scales: [Float] = []
    var bytes: [UInt8] = []
    bytes.reserveCapacity(values.count)
    for row in 0..<shape[0] {
      let row = values[row * width..<(row + 1) * width]
      let largest = row.reduce(0) { max($0, abs($1)) }
      let scale = largest > 0 ? largest / 127 : 1
      scales.append(scale)
      for value in row {
        let number = min(max((value / scale).rounded(.toNearestOrEven), -127), 127)
        bytes.append(UInt8(bitPattern: Int8(number)))
      }
    }
    return [
      TensorToWrite(name: name, shape: shape, content: .bytes(.int8, bytes)),
      TensorToWrite(name: "\(name)_scale", shape: [shape[0]], content: .floats(scales)),
    ]
  }

  static func isMatrix(_ shape: [Int]) -> Bool {
    shape.count >= 2 && shape[0] > 1 && shape.reduce(1, *) > 4096
  }
}

extension Weights {
  /// A tensor as it is stored, with its scales where it has any.
  func kept(_ name: String) -> [TensorToWrite] {
    [name, "\(name)_scale"].compactMap { name in
      stored(name).map { TensorToWrite(name: name, shape: $0.shape, content: .stored($0)) }
    }
  }
}
