import FoundationEssentials
import Glibc
import TestSupport
import Testing

@testable import Checkpoints

/// Files that try to run code, exhaust memory or read outside their data: each is rejected with a
/// reason, in one line.
@Suite struct HostilePickleTests {
  private static let folder = CheckpointFixtures.path + "/hostile"

  private static let reasons: [String: String?] = {
    do {
      return try JSONDecoder().decode(
        [String: String?].self, from: Data(CheckpointFixtures.bytes(folder + "/reasons.json")))
    } catch { return ["\(error)": "no reasons"] }
  }()

  @Test(arguments: reasons.keys.sorted())
  func isRejected(file: String) throws {
    let path = "\(Self.folder)/\(file).bin"
    let reason = try #require(Self.reasons[file])
    guard let reason else {
      let tensor = try #require(try readPyTorch(path)["w"])
      #expect(
        tensor.shape == [2, 3] && tensor.withBytes { Array($0) } == bytes([1, 2, 3, 4, 5, 6]))
      return
    }
    do {
      _ = try readPyTorch(path)
      Issue.record("\(file) is read")
    } catch {
      let text = error.description
      #expect(text.hasPrefix(path + ": ") && text.contains(reason), "\(text)")
      #expect(text.utf8.allSatisfy { $0 >= 0x20 }, "\(text)")
    }
  }

  @Test func noCodeWasRun() { #expect(access("/tmp/owned", F_OK) != 0) }

  @Test func tooManyOpcodesAreRejected() throws {
    let pickle = [0x80, 2, 0x7D] + [UInt8](repeating: 0x4E, count: 2 << 20) + [0x2E]
    #expect(throws: PickleError.self) { try PickleReader.read(pickle) }
    #expect(throws: PickleError.self) {
      try PickleReader.read([0x80, 2] + [UInt8](repeating: 0x29, count: 17 << 20))
    }
  }

  @Test func integersOfEveryForm() throws {
    let forms: [([UInt8], Int)] = [
      ([0x4B, 0xFF], 255), ([0x4D, 0xFF, 0xFF], 65535), ([0x4A, 0xFF, 0xFF, 0xFF, 0xFF], -1),
      ([0x8A, 0], 0), ([0x8A, 1, 0x80], -128), ([0x8A, 2, 0xFF, 0x7F], 32767),
      ([0x8A, 8] + littleEndian(Int64.min), Int.min), ([0x8B, 1, 0, 0, 0, 0xFE], -2),
    ]
    for (form, value) in forms {
      guard case .integer(value) = try PickleReader.read([0x80, 2] + form + [0x2E]).0 else {
        Issue.record("\(form) is not \(value)")
        continue
      }
    }
    // No tensor uses numbers of more than 64 bits.
    let long = try PickleReader.read([0x80, 2, 0x8A, 9] + [UInt8](repeating: 1, count: 9) + [0x2E])
    guard case .unused = long.0 else {
      Issue.record("a long number is read as a different one")
      return
    }
  }
}
