import Files
import Store
import TestSupport
import Testing

@testable import Retrieval

/// `[[1, -2.5, 0.1], [65504, 6e-8, -0.0]]` as numpy 2.4.6 saves it, behind a header of 128 bytes.
private let saved: [(type: String, numbers: [UInt8])] = [
  ("<f2", bytes("003c00c1662eff7b01000080")),
  ("<f4", bytes("0000803f000020c0cdcccc3d00e07f4759d9803300000080")),
  (
    "<f8",
    bytes(
      "000000000000f03f00000000000004c09a9999999999b93f0000000000fcef402b69a4292b1b703e"
        + "0000000000000080")
  ),
]

private func bytes(_ digits: String) -> [UInt8] {
  let digits = digits.compactMap(\.hexDigitValue)
  return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

/// A file's bytes with this text as the header, padded to 128 bytes as NumPy does.
private func numpy(_ text: String, _ numbers: [UInt8] = [], version: UInt8 = 1) -> [UInt8] {
  let length = version == 1 ? 2 : 4
  let start = 8 + length
  let padded =
    Array(text.utf8) + Array(repeating: 0x20, count: max(0, 127 - start - text.utf8.count))
  let header = padded + [0x0A]
  let size = (0..<length).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
  return [0x93] + Array("NUMPY".utf8) + [version, 0] + size + header + numbers
}

private func dictionary(_ type: String = "<f4", _ shape: String = "(2, 3)") -> String {
  "{'descr': '\(type)', 'fortran_order': False, 'shape': \(shape), }"
}

private func open(_ file: [UInt8]) throws -> NumpyFile {
  try NumpyFile(TemporaryFolder().write("a.npy", file))
}

@Suite("NumPy files")
struct NumpyFileTests {
  @Test("Arrays of 16, 32 and 64 bits that numpy.save wrote are read as 32 bits", arguments: saved)
  func parity(type: String, numbers: [UInt8]) throws {
    let file = try open(numpy(dictionary(type), numbers))
    #expect(file.header.rows == 2 && file.header.columns == 3)
    let expected: [Float] =
      type == "<f2"
      ? [1, -2.5, 0.099_975_586, 65504, 5.960_464_5e-08, -0.0]
      : [1, -2.5, 0.1, 65504, 6e-08, -0.0]
    let read = try file.rows(0..<2)
    #expect(read.map(\.bitPattern) == expected.map(\.bitPattern))
    #expect(try file.rows(1..<2) == Array(expected[3...]))
  }

  @Test("A file is written as numpy.save writes it, byte for byte")
  func writing() throws {
    let path = TemporaryFolder().path + "/a.npy"
    let writer = try NumpyWriter(path, rows: 2, columns: 3)
    try writer.write([1, -2.5, 0.1])
    try writer.write([65504, 6e-08, -0.0])
    try writer.finish()
    #expect(
      try FileSystem.read(Array(path.utf8), limit: 1000).bytes
        == numpy(dictionary(), saved[1].numbers))
  }

  @Test(
    "Headers that Python reads alike are read alike",
    arguments: [
      "{\"shape\":(2,3),\"descr\":\"<f4\",\"fortran_order\":False}",
      " { 'descr' : '<f4' , 'fortran_order' : False , 'shape' : ( 2 , 3 , ) , } ",
    ])
  func spelling(text: String) throws {
    for version in [1, 2, 3] as [UInt8] {
      let file = try open(numpy(text, saved[1].numbers, version: version))
      #expect(try file.rows(0..<1) == [1, -2.5, 0.1])
    }
  }

  @Test("A table without rows has none")
  func empty() throws {
    #expect(try open(numpy(dictionary("<f4", "(0, 3)"))).header.rows == 0)
  }

  @Test(
    "A header of anything else is refused, saying what it is",
    arguments: [
      (dictionary(">f4"), ">f4"), (dictionary("<i4"), "<i4"), (dictionary("|O"), "|O"),
      (dictionary("<f4", "(6,)"), "1 dimension"), (dictionary("<f4", "()"), "0 dimensions"),
      (dictionary("<f4", "(1, 2, 3)"), "3 dimensions"),
      (dictionary("<f4", "(2, 4)"), "2 × 4"), (dictionary("<f4", "(2, 2)"), "2 × 2"),
      (dictionary("<f4", "(4000000000, 4000000000)"), "which no file holds"),
      (dictionary("<f8", "(999999999999999999, 9)"), "which no file holds"),
      (dictionary("<f4", "(9999999999999999999, 1)"), "numpy.save"),
      (dictionary("<f4", "(-2, -3)"), "numpy.save"), (dictionary("<f4", "(2, 3"), "numpy.save"),
      (dictionary("<f4", "(2 3)"), "numpy.save"), (dictionary("<f4", "2"), "numpy.save"),
      (dictionary("<f4", "'2'"), "tuple"), (dictionary("<f4", "True"), "tuple"),
      ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 3)}", "numpy.save"),
      ("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3)}", "ascontiguousarray"),
      ("{'descr': '<f4', 'fortran_order': 'no', 'shape': (2, 3)}", "fortran_order"),
      ("{'descr': False, 'fortran_order': False, 'shape': (2, 3)}", "descr"),
      ("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}", "twice"),
      ("{'descr': '<f4', 'shape': (2, 3)}", "just"),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'x': ()}", "just"),
      (dictionary() + "x", "numpy.save"), ("{'descr", "numpy.save"), ("", "numpy.save"),
      ("{'de\\x73cr': '<f4', 'fortran_order': False, 'shape': (2, 3)}", "numpy.save"),
    ])
  func hostile(text: String, reason: String) {
    let error = #expect(throws: RetrievalError.self) { try open(numpy(text, saved[1].numbers)) }
    #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
    #expect(error?.description.contains("a.npy: ") == true)
  }

  @Test("So is a file of another kind, version or length")
  func otherFiles() {
    let whole = numpy(dictionary(), saved[1].numbers)
    var version = whole
    version[6] = 9
    var long = whole
    long[9] = 0xFF
    var files = [[], Array("PK\u{3}\u{4}".utf8), version, long, whole + [0]]
    files += [8, 9, 60, 128, 151].map { Array(whole.prefix($0)) }
    for file in files {
      #expect(throws: RetrievalError.self, "\(file.count) bytes") { try open(file) }
    }
    #expect(throws: RetrievalError.self) { try NumpyFile("/none/a.npy") }
    #expect(throws: RetrievalError.self) { try NumpyFile("/tmp") }
  }
}
