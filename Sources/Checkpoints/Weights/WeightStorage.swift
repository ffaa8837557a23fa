/// How matrices are stored in a model folder that is written.
public enum WeightStorage: String, Sendable, CaseIterable {
  /// F32.
  case fp32
  /// I8 with a scale per row, a quarter of the size; tensors of one row or of at most 4,096
  /// elements stay F32.
  case int8

  /// The stored form of a row-major tensor: the tensor, and its scales if it has any.
  package func stored(_ name: String, _ shape: [Int], _ values: [Float]) -> [TensorToWrite] {
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
  /// A tensor as stored, with its scales if it has any.
  func kept(_ name: String) -> [TensorToWrite] {
    [name, "\(name)_scale"].compactMap { name in
      stored(name).map { TensorToWrite(name: name, shape: $0.shape, content: .stored($0)) }
    }
  }
}
