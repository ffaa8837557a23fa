internal import Files
internal import Store

/// Why a file is no array of NumPy's that can be read here.
struct NumpyFault: Error, Equatable {
  let reason: String

  init(_ reason: String) { self.reason = reason }
}

/// What the header of a `.npy` file says of a table of numbers, row after row.
///
/// The header is a Python dictionary in text. Only what NumPy itself writes is understood, and only
/// tables of little-endian floats in C order are taken.
struct NumpyHeader: Equatable {
  /// The types of numbers that are read, by NumPy's names.
  enum Element: String, CaseIterable {
    case float16 = "<f2"
    case float32 = "<f4"
    case float64 = "<f8"

    var size: Int {
      switch self {
      case .float16: 2
      case .float32: 4
      case .float64: 8
      }
    }
  }

  /// Before the length of the header: a mark and the version.
  static let preambleSize = 8
  /// As far as NumPy itself reads a header it does not trust.
  private static let longest = 10_000
  private static let mark: [UInt8] = [0x93] + Array("NUMPY".utf8)
  /// The data begin at a multiple of this.
  private static let alignment = 64

  let element: Element
  let rows: Int
  let columns: Int

  /// Bytes of the numbers; that they fit was checked.
  var dataSize: Int { rows * rowSize }
  /// Bytes of a row.
  var rowSize: Int { columns * element.size }

  /// A table of 32-bit floats.
  init(rows: Int, columns: Int) {
    (element, self.rows, self.columns) = (.float32, rows, columns)
  }

  /// Takes the text of a header apart, without what stands before it.
  init(text: [UInt8]) throws(NumpyFault) {
    var reader = PythonReader(text)
    let entries = try reader.dictionary()
    guard Set(entries.keys) == ["descr", "fortran_order", "shape"] else {
      throw NumpyFault("its header has not just descr, fortran_order and shape")
    }
    guard case .text(let name) = entries["descr"] else {
      throw NumpyFault("its descr is no name of a type; save numbers alone, as float32")
    }
    guard let element = Element(rawValue: name) else {
      throw NumpyFault("numbers of type \(printable(Array(name.utf8))); save them as float32 (<f4)")
    }
    guard case .truth(let isFortran) = entries["fortran_order"] else {
      throw NumpyFault("its fortran_order is neither True nor False")
    }
    guard !isFortran else {
      throw NumpyFault("its columns lie one after another; save numpy.ascontiguousarray of it")
    }
    guard case .numbers(let shape) = entries["shape"] else {
      throw NumpyFault("its shape is no tuple of numbers")
    }
    guard shape.count == 2 else {
      throw NumpyFault(
        "an array of \(counted(shape.count, "dimension")); save a row for each picture")
    }
    let (size, overflow) = shape[0].multipliedReportingOverflow(by: shape[1])
    guard !overflow, !size.multipliedReportingOverflow(by: element.size).overflow else {
      throw NumpyFault("a shape of \(shape[0]) × \(shape[1]), which no file holds")
    }
    (self.element, rows, columns) = (element, shape[0], shape[1])
  }

  /// The header as a file of version 1.0 begins with it.
  var bytes: [UInt8] {
    let text =
      "{'descr': '\(element.rawValue)', 'fortran_order': False, 'shape': (\(rows), \(columns)), }"
    let start = Self.preambleSize + 2
    let end = (start + text.utf8.count + 1 + Self.alignment - 1) / Self.alignment * Self.alignment
    var writer = ByteWriter(bytes: Self.mark + [1, 0])
    writer.write(UInt16(end - start))
    writer.bytes += Array(text.utf8)
    writer.bytes += [UInt8](repeating: 0x20, count: end - 1 - writer.bytes.count) + [.newline]
    return writer.bytes
  }

  /// Where the text of a header lies, by the first bytes of a file (up to 12).
  static func place(by start: [UInt8]) throws(NumpyFault) -> Range<Int> {
    guard start.count >= preambleSize + 2, start.starts(with: mark) else {
      throw NumpyFault("not a .npy file; save the embeddings with numpy.save")
    }
    let isWide: Bool
    switch (start[6], start[7]) {
    case (1, 0): isWide = false
    case (2, 0), (3, 0): isWide = true
    default: throw NumpyFault("a .npy file of version \(start[6]).\(start[7]), which is not known")
    }
    let first = preambleSize + (isWide ? 4 : 2)
    guard start.count >= first else { throw NumpyFault("cut short in its header") }
    let length = start[preambleSize..<first].reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= longest else {
      throw NumpyFault("a header of \(length) bytes is announced; at most \(longest) are read")
    }
    return first..<first + length
  }
}

/// "1 row", "2 rows".
func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

/// Reads a dictionary as Python writes it: names with a string, a truth or a tuple of whole numbers.
private struct PythonReader {
  enum Value {
    case text(String)
    case truth(Bool)
    case numbers([Int])
  }

  /// More digits do not fit into an `Int`.
  private static let mostDigits = 18
  private var rest: ArraySlice<UInt8>

  init(_ text: [UInt8]) { rest = text[...] }

  /// The whole text as one dictionary.
  mutating func dictionary() throws(NumpyFault) -> [String: Value] {
    var entries: [String: Value] = [:]
    try expect("{")
    while !take("}") {
      let name = try string()
      try expect(":")
      guard entries.updateValue(try value(), forKey: name) == nil else {
        throw NumpyFault("its header says \(name) twice")
      }
      if !take(",") {
        try expect("}")
        break
      }
    }
    skipSpace()
    guard rest.isEmpty else { throw malformed }
    return entries
  }

  private mutating func value() throws(NumpyFault) -> Value {
    if takeWord("True") { return .truth(true) }
    if takeWord("False") { return .truth(false) }
    guard take("(") else { return .text(try string()) }
    var numbers: [Int] = []
    while !take(")") {
      numbers.append(try number())
      if !take(",") {
        try expect(")")
        break
      }
    }
    return .numbers(numbers)
  }

  private mutating func string() throws(NumpyFault) -> String {
    skipSpace()
    guard let quote = rest.popFirst(), quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"")
    else { throw malformed }
    let text = rest.prefix { $0 != quote }
    rest = rest.dropFirst(text.count)
    guard rest.popFirst() != nil, !text.contains(UInt8(ascii: "\\")),
      let string = String(validating: text, as: UTF8.self)
    else { throw malformed }
    return string
  }

  private mutating func number() throws(NumpyFault) -> Int {
    skipSpace()
    let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    rest = rest.dropFirst(digits.count)
    guard (1...Self.mostDigits).contains(digits.count) else { throw malformed }
    return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
  }

  private mutating func takeWord(_ word: String) -> Bool {
    skipSpace()
    guard rest.starts(with: word.utf8) else { return false }
    rest = rest.dropFirst(word.utf8.count)
    return true
  }

  private mutating func take(_ mark: Unicode.Scalar) -> Bool {
    skipSpace()
    guard rest.first == UInt8(ascii: mark) else { return false }
    rest = rest.dropFirst()
    return true
  }

  private mutating func expect(_ mark: Unicode.Scalar) throws(NumpyFault) {
    guard take(mark) else { throw malformed }
  }

  private mutating func skipSpace() { rest = rest.drop(while: \.isWhiteSpace) }

  private var malformed: NumpyFault {
    NumpyFault("its header is not what numpy.save writes; save the embeddings again")
  }
}
