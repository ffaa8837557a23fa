import FoundationEssentials
import TestSupport
import Testing

@testable import Tensors

/// Packed numbers that are written to a file and used where they are mapped.
@Suite struct PackedMatrixTests {
  private func matrix(_ format: PackedFormat, rows: Int, columns: Int) -> PackedMatrix {
    var numbers = SplitMix64(seed: 31)
    var matrix = PackedMatrix(rows: rows, columns: columns)
    if format == .scaledBytes {
      let bytes = (0..<rows * columns).map { Int8(clamping: $0 * 37 % 256 - 128) }
      matrix.load(bytes: bytes.span.bytes, scales: numbers.floats(rows))
    } else {
      matrix.load(floats: numbers.floats(rows * columns), as: format)
    }
    return matrix
  }

  @Test(arguments: PackedFormat.allCases, [(1, 1), (17, 13), (40, 24)])
  func aMappedMatrixIsTheSame(format: PackedFormat, shape: (Int, Int)) throws {
    let folder = TemporaryFolder()
    let matrix = matrix(format, rows: shape.0, columns: shape.1)
    #expect(matrix.format == format)
    let packed = try #require(matrix.withPackedBytes { Data($0) })
    #expect(packed.count == matrix.packedByteCount(as: format) && packed.count % 64 == 0)
    let path = "\(folder.path)/packed"
    try (Data(count: 128) + packed).write(to: URL(filePath: path))

    var mapped = PackedMatrix(rows: shape.0, columns: shape.1)
    try mapped.load(format, from: PackedRegion(mapping: path), at: 128)
    #expect(mapped.format == format && mapped.floats == matrix.floats)
    var layers = [Linear(inputs: shape.1, outputs: shape.0)]
    layers[0].bias = [Float](repeating: 0, count: shape.0)
    layers.append(layers[0])
    (layers[0].weight, layers[1].weight) = (matrix, mapped)
    var numbers = SplitMix64(seed: 32)
    let x = numbers.matrix(5, shape.1)
    var y = [Matrix(), Matrix()]
    for index in 0..<2 { layers[index](x, into: &y[index]) }
    #expect(y[0] == y[1])
  }

  @Test(arguments: [-64, 32, 64, 128, Int.max - 63, Int.min])
  func whatIsNotInsideTheFileIsAnError(offset: Int) throws {
    let folder = TemporaryFolder()
    let matrix = matrix(.integers, rows: 17, columns: 13)
    let packed = try #require(matrix.withPackedBytes { Data($0) })
    let path = "\(folder.path)/packed"
    try packed.write(to: URL(filePath: path))
    let region = try PackedRegion(mapping: path)
    var mapped = PackedMatrix(rows: 17, columns: 13)
    let error = #expect(throws: PackedMatrixError.self) {
      try mapped.load(.integers, from: region, at: offset)
    }
    #expect(error?.description.hasPrefix("\(path): ") == true)
    #expect(mapped.format == nil)
  }

  @Test func whatCannotBeMappedIsAnError() throws {
    let folder = TemporaryFolder()
    try Data().write(to: URL(filePath: "\(folder.path)/empty"))
    for path in ["\(folder.path)/missing", "\(folder.path)/empty", folder.path] {
      let error = #expect(throws: PackedMatrixError.self) { try PackedRegion(mapping: path) }
      #expect(error?.description.hasPrefix("\(path): ") == true)
    }
  }
}
