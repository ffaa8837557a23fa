import TestSupport
import Testing

@testable import Checkpoints

private func weights(_ tensors: [(String, String, [Int], [UInt8])]) throws -> Weights {
  let folder = TemporaryFolder()
  let path = folder.write("model.safetensors", safetensors(tensors))
  return Weights(source: path, stored: try readSafetensors(path))
}

@Suite struct WeightsTests {
  @Test func readsEveryStoredType() throws {
    let values: [Float] = [0, 1, -2.5, 0.1, 65504, -0.0001]
    let q: [Int8] = [0, 1, -1, 127, -128, 64]
    let weights = try weights([
      // One byte first, so that nothing after it is aligned.
      ("odd", "U8", [1], [7]),
      ("f32", "F32", [2, 3], bytes(values)),
      ("f16", "F16", [2, 3], values.flatMap { littleEndian(Float16($0).bitPattern) }),
      ("bf16", "BF16", [3, 2], values.flatMap { littleEndian(UInt16($0.bitPattern >> 16)) }),
      ("i8", "I8", [3, 2], q.map { UInt8(bitPattern: $0) }),
      ("i8_scale", "F32", [3], bytes([0.5, 2, 0.25])),
      ("number", "F32", [], bytes([3])),
      ("nothing", "F32", [0, 4], []),
      ("step", "I64", [], littleEndian(Int64(9))),
    ])
    #expect(try weights.floats("f32", shape: [2, 3]) == values)
    #expect(try weights.floats("f16", shape: [2, 3]) == values.map { Float(Float16($0)) })
    #expect(
      try weights.floats("bf16", shape: [3, 2])
        == values.map { Float(bitPattern: $0.bitPattern & 0xFFFF_0000) })
    #expect(try weights.floats("i8", shape: [3, 2]) == [0, 0.5, -2, 254, -32, 16])
    #expect(try weights.floats("number", shape: []) == [3])
    #expect(try weights.floats("nothing", shape: [0, 4]) == [])
    #expect(weights.shape(of: "bf16") == [3, 2])
    #expect(weights.shape(of: "none") == nil)
    #expect(
      weights.names == ["bf16", "f16", "f32", "i8", "nothing", "number", "odd", "step"])
    #expect(try weights.withBytes(of: "i8", shape: [3, 2]) { $0 == .int8 && $1.count == 6 })
  }

  @Test func everyHalfIsConvertedLikeTheCPUDoes() throws {
    let halves = (0...UInt16.max).map { $0 }
    let weights = try weights([("h", "F16", [65536], halves.flatMap { littleEndian($0) })])
    for (half, float) in zip(halves, try weights.floats("h", shape: [65536])) {
      let expected = Float(Float16(bitPattern: half))
      // A signalling NaN may become quiet.
      #expect(float.bitPattern == expected.bitPattern || (float.isNaN && expected.isNaN))
    }
  }

  @Test func rowsEqualThoseOfTheTensor() throws {
    let weights = try weights([
      ("f32", "F32", [4, 3], bytes((0..<12).map(Float.init))),
      ("i8", "I8", [4, 3], Array(0..<12)),
      ("i8_scale", "F32", [4], bytes([1, 2, 3, 4])),
    ])
    for name in ["f32", "i8"] {
      let whole = try weights.floats(name, shape: [4, 3])
      let indices = [3, 0, 3, 2]
      #expect(
        try weights.rows(name, indices, shape: [4, 3])
          == indices.flatMap { whole[$0 * 3..<$0 * 3 + 3] })
      #expect(try weights.rows(name, [], shape: [4, 3]) == [])
      for index in [-1, 4, Int.max, Int.min] {
        #expect(throws: CheckpointError.self) { try weights.rows(name, [index], shape: [4, 3]) }
      }
    }
  }

  @Test func errorsNameTheTensorAndBothShapes() throws {
    let weights = try weights([
      ("a", "F32", [2], bytes([1, 2])),
      ("i64", "I64", [1], littleEndian(Int64(1))),
      ("bare", "I8", [2], [1, 2]),
      ("i8", "I8", [2], [1, 2]), ("i8_scale", "F32", [1], bytes([1])),
      ("single", "I8", [], [1]),
    ])
    func message(_ name: String, _ shape: [Int]) -> String {
      do {
        _ = try weights.floats(name, shape: shape)
        return "no error"
      } catch {
        return error.description.split(separator: ": ").dropFirst().joined(separator: ": ")
      }
    }
    #expect(message("none", [2]) == "tensor \"none\" is missing")
    #expect(message("a", [1, 2]) == "tensor \"a\" has shape [2]; [1, 2] is expected")
    #expect(message("i64", [1]).contains("stored as I64"))
    #expect(message("bare", [2]).contains("\"bare_scale\" is missing"))
    #expect(message("i8", [2]).contains("F32 [1]; F32 [2]"))
    #expect(message("single", []).contains("no rows"))
  }

  @Test func missingAndUnusedTensorsAreErrors() throws {
    let one = bytes([1])
    let names = ["a", "b", "temp", "text_decoder.bias"]
    let weights = try weights(
      names.map { ($0, "F32", [1], one) } + [("q", "I8", [1], [1]), ("q_scale", "F32", [1], one)])
    let expected = ["a": [1], "b": [1], "q": [1]]
    let decoder = { (name: String) in name.hasPrefix("text_decoder.") }
    try weights.requireExactly(expected, ignoring: decoder)

    func message(_ expected: [String: [Int]], _ ignoring: (String) -> Bool) -> String {
      do {
        try weights.requireExactly(expected, ignoring: ignoring)
        return "no error"
      } catch { return error.description }
    }
    #expect(
      message(expected) { _ in false }.contains("\"text_decoder.bias\" is not part of the model"))
    #expect(message(["q": [1]], decoder).contains("\"a\" and 1 more are not part of the model"))
    #expect(
      message(expected.merging(["c": [1]]) { $1 }, decoder).contains("\"c\" is missing"))
    #expect(message(expected.merging(["a": [2]]) { $1 }, decoder).contains("\"a\" has shape [1]"))
  }
}
