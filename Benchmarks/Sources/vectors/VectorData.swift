import BenchmarkSupport
import Foundation

/// A folder that vectors/make_vectors.py made.
struct VectorData {
  let folder: String
  /// How many vectors there are, and of how many numbers.
  let count: Int
  let dimension: Int

  private struct About: Decodable {
    let count: Int
    let dimension: Int
  }

  init(folder: String) throws {
    self.folder = folder
    let about = try JSONDecoder().decode(
      About.self, from: Data(contentsOf: URL(fileURLWithPath: "\(folder)/about.json")))
    (count, dimension) = (about.count, about.dimension)
  }

  private func numbers<T: BitwiseCopyable>(_ name: String, of type: T.Type) throws -> [T] {
    let data = try Data(
      contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"), options: .alwaysMapped)
    let count = data.count / MemoryLayout<T>.stride
    return data.withUnsafeBytes { bytes in
      [T](unsafeUninitializedCapacity: count) { buffer, initialized in
        UnsafeMutableRawBufferPointer(buffer).copyBytes(
          from: bytes.prefix(count * MemoryLayout<T>.stride))
        initialized = count
      }
    }
  }

  /// All vectors of the base, one behind the other.
  func base() throws -> [Float] {
    let base = try numbers("base.f32", of: Float.self)
    guard base.count == count * dimension else { throw BenchmarkError("base.f32 is not whole") }
    return base
  }

  func rows(_ name: String) throws -> [[Float]] {
    let all = try numbers(name, of: Float.self)
    return stride(from: 0, to: all.count, by: dimension).map { Array(all[$0..<$0 + dimension]) }
  }

  func ids(_ name: String) throws -> [UInt64] {
    try numbers(name, of: Int64.self).map { UInt64($0) }
  }
}
