import TestSupport
import Testing

@testable import Checkpoints

private func errorMessage(_ file: [UInt8]) -> String? {
  let folder = TemporaryFolder()
  let path = folder.write("x.safetensors", file)
  do {
    _ = try readSafetensors(path)
    return nil
  } catch {
    return error.description.hasPrefix("\(path): ")
      ? String(error.description.dropFirst(path.count + 2)) : "names no file: \(error)"
  }
}

private func entry(
  _ name: String = "t", type: String = "\"F32\"", shape: String = "[1]", offsets: String = "[0,4]"
) -> String {
  "\"\(name)\":{\"dtype\":\(type),\"shape\":\(shape),\"data_offsets\":\(offsets)}"
}

@Suite struct SafetensorsTests {
  @Test func aValidFileIsRead() throws {
    let good = safetensors(
      header: "{\"__metadata__\":{\"format\":\"pt\"},\(entry())}  ", data: [0, 0, 0, 0])
    #expect(errorMessage(good) == nil)
  }

  /// Invalid headers for 4 bytes of data: each is rejected with a reason that names the tensor.
  @Test(arguments: [
    ("not json", "not JSON"),
    ("[]", "not a JSON object"),
    ("\"x\"", "not a JSON object"),
    ("{\"t\":" + String(repeating: "[", count: 100_000), "not JSON"),
    ("{\"t\":[]}", "\"t\": its entry is not"),
    ("{\"t\":{}}", "\"t\": it has no dtype"),
    ("{\(entry(type: "\"F33\""))}", "\"t\": its dtype \"F33\" is unknown"),
    ("{\(entry(type: "32"))}", "\"t\": it has no dtype"),
    ("{\(entry(shape: "[-1]"))}", "\"t\": its shape"),
    ("{\(entry(shape: "[1.5]"))}", "\"t\": its shape"),
    ("{\(entry(shape: "[1e400]"))}", "\"t\": its shape"),
    ("{\(entry(shape: "[\"12\"]"))}", "\"t\": its shape"),
    ("{\(entry(shape: "[null]"))}", "\"t\": its shape"),
    ("{\(entry(shape: "4"))}", "\"t\": its shape"),
    ("{\(entry(offsets: "[0,1e400]"))}", "\"t\": its data_offsets"),
    ("{\(entry(offsets: "[0.5,4]"))}", "\"t\": its data_offsets"),
    ("{\(entry(offsets: "[0,\"4\"]"))}", "\"t\": its data_offsets"),
    ("{\(entry(shape: "[2]"))}", "\"t\": F32 [2] does not match the 4 bytes"),
    ("{\(entry(shape: "[4611686018427387905]"))}", "does not match the 4 bytes"),
    ("{\(entry(shape: "[4294967296,4294967296]"))}", "does not match the 4 bytes"),
    ("{\(entry(shape: "[9223372036854775808]"))}", "\"t\": its shape"),
    (
      "{\(entry(shape: "[0,9223372036854775807]", offsets: "[0,0]"))}", "does not match the 0 bytes"
    ),
    ("{\(entry(offsets: "[4,0]"))}", "\"t\": its bytes 4..<0 are outside"),
    ("{\(entry(offsets: "[0,5]"))}", "\"t\": its bytes 0..<5 are outside the 4 bytes"),
    ("{\(entry(offsets: "[-4,0]"))}", "\"t\": its data_offsets"),
    ("{\(entry(offsets: "[0]"))}", "\"t\": its data_offsets"),
    ("{\(entry(offsets: "[9223372036854775807,9223372036854775807]"))}", "are outside"),
    ("{\(entry()),\(entry("u"))}", "\"u\": its bytes overlap"),
    (
      "{\(entry(type: "\"U8\"", shape: "[2]", offsets: "[0,2]")),"
        + "\(entry("u", type: "\"U8\"", shape: "[3]", offsets: "[1,4]"))}",
      "\"u\": its bytes overlap"
    ),
    ("{\(entry(type: "\"U8\"", offsets: "[1,2]"))}", "\"t\": its bytes leave a gap"),
    ("{\(entry(type: "\"U8\"", offsets: "[0,1]"))}", "3 bytes at its end belong to no tensor"),
    ("{}", "4 bytes at its end"),
  ])
  func invalidHeaderIsRejected(header: String, reason: String) {
    let message = errorMessage(safetensors(header: header, data: [0, 0, 0, 0]))
    #expect(message?.contains(reason) == true, "\(message ?? "accepted")")
  }

  /// The decoder keeps one of two entries with the same name; the bytes of the other belong to no
  /// tensor.
  @Test(arguments: ["t", "caf\u{e9}"])
  func repeatedNameIsRejected(name: String) {
    let other = name == "t" ? name : "cafe\u{301}"
    for (first, second) in [("[0,2]", "[2,4]"), ("[2,4]", "[0,2]")] {
      let entries = [(name, first), (other, second)].map {
        entry($0, type: "\"F16\"", offsets: $1)
      }
      let message = errorMessage(
        safetensors(header: "{\(entries.joined(separator: ","))}", data: [0, 0, 0, 0]))
      #expect(message?.contains("belong to no tensor") == true || message?.contains("gap") == true)
    }
  }

  @Test func invalidLengthIsRejected() {
    #expect(errorMessage([])?.contains("empty") == true)
    #expect(
      errorMessage([1, 2, 3])?.contains("not a safetensors file: it has only 3 bytes") == true)
    #expect(errorMessage(littleEndian(UInt64(9)) + Array("{}".utf8))?.contains("truncated") == true)
    for length in [UInt64(16 << 20 + 1), UInt64(Int.max), .max] {
      #expect(errorMessage(littleEndian(length) + Array("{}".utf8))?.contains("at most") == true)
    }
  }

  @Test func truncationAndFlippedBitsGiveErrorsOrTensors() throws {
    let good = safetensors([
      ("a", "F32", [2], bytes([1, 2])), ("b", "I8", [2, 2], [1, 2, 3, 4]),
      ("b_scale", "F32", [2], bytes([1, 2])),
    ])
    for end in good.indices { #expect(errorMessage(Array(good[..<end])) != nil) }
    let folder = TemporaryFolder()
    for place in good.indices {
      for bit in 0..<8 {
        var changed = good
        changed[place] ^= 1 << bit
        let path = folder.write("x.safetensors", changed)
        guard let stored = try? readSafetensors(path) else { continue }
        let weights = Weights(source: path, stored: stored)
        for name in weights.names {
          _ = try? weights.floats(name, shape: weights.shape(of: name) ?? [])
        }
      }
    }
  }

  @Test func onlyRegularFilesAreRead() {
    let folder = TemporaryFolder()
    #expect(throws: CheckpointError("\(folder.path): not a regular file")) {
      try readSafetensors(folder.path)
    }
    #expect(throws: CheckpointError("/nowhere/x: cannot be opened: No such file or directory")) {
      try readSafetensors("/nowhere/x")
    }
  }
}
