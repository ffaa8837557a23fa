import FoundationEssentials

/// Decodes a JSON file of a model folder; errors name the file and the key.
func decodeConfiguration<Value: Decodable>(
  _ type: Value.Type, file: String, bytes: [UInt8]
) throws(CheckpointError) -> Value {
  do {
    return try JSONDecoder().decode(type, from: Data(bytes))
  } catch let invalid as InvalidValue {
    throw CheckpointError("\(file): \(invalid)")
  } catch DecodingError.typeMismatch(let expected, let context) {
    let path = pathText(context.codingPath)
    guard !path.isEmpty else { throw CheckpointError("\(file): not a JSON object") }
    let noun =
      expected is String.Type ? "a string" : expected is [Any].Type ? "a list" : "an object"
    throw CheckpointError("\(file): \(path) is not \(noun)")
  } catch {
    throw CheckpointError("\(file): not JSON; is the file complete?")
  }
}

/// An invalid or unsupported value in a configuration, with the path to its key.
struct InvalidValue: Error, CustomStringConvertible {
  let description: String

  init(_ path: [any CodingKey], _ reason: String) { description = "\(pathText(path)) \(reason)" }
}

/// A coding path in the usual notation: `vision_config.stem.layers[3].kind`.
private func pathText(_ path: [any CodingKey]) -> String {
  path.reduce("") { text, key in
    if let index = key.intValue { return "\(text)[\(index)]" }
    return text.isEmpty ? key.stringValue : "\(text).\(key.stringValue)"
  }
}

/// Validated values. A key that is `null` counts as missing, as in Hugging Face's files.
extension KeyedDecodingContainer {
  func invalid(_ key: Key, _ reason: String) -> InvalidValue {
    InvalidValue(codingPath + [key], reason)
  }

  /// The value of `key`; nil if it is missing.
  func value<Value: Decodable>(
    _ type: Value.Type, _ key: Key, otherwise reason: String
  ) throws(InvalidValue) -> Value? {
    do { return try decodeIfPresent(type, forKey: key) } catch { throw invalid(key, reason) }
  }

  /// The object under `key`; if it is missing, an empty one.
  func section<Section: Decodable>(_ type: Section.Type, _ key: Key) throws -> Section {
    if let section = try decodeIfPresent(type, forKey: key) { return section }
    return try JSONDecoder().decode(type, from: Data("{}".utf8))
  }

  func integer(_ key: Key, in range: ClosedRange<Int>) throws(InvalidValue) -> Int? {
    guard let value = try value(Int.self, key, otherwise: "is not an integer") else {
      return nil
    }
    return try check(key, value, in: range)
  }

  func integer(
    _ key: Key, default missing: Int, in range: ClosedRange<Int>
  ) throws(InvalidValue) -> Int {
    if let value = try integer(key, in: range) { return value }
    // A default may also be outside the range, which depends on the file.
    return try check(key, missing, in: range)
  }

  func required(_ key: Key, in range: ClosedRange<Int>) throws(InvalidValue) -> Int {
    guard let value = try integer(key, in: range) else { throw invalid(key, "is missing") }
    return value
  }

  /// The side of a square: an integer, or a list of two equal ones.
  func side(
    _ key: Key, default missing: Int, in range: ClosedRange<Int>
  ) throws(InvalidValue) -> Int {
    guard let sides = try? decode([Int].self, forKey: key) else {
      return try integer(key, default: missing, in: range)
    }
    guard sides.count == 2, sides[0] == sides[1], range.contains(sides[0]) else {
      throw invalid(key, "is not the side of a square in \(range)")
    }
    return sides[0]
  }

  func float(
    _ key: Key, default missing: Double, in range: ClosedRange<Float>
  ) throws(InvalidValue) -> Float {
    let value = try value(Double.self, key, otherwise: "is not a number") ?? missing
    return try check(key, Float(value), in: range)
  }

  func floats(
    _ key: Key, count: Int, default missing: [Double], in range: ClosedRange<Float>
  ) throws(InvalidValue) -> [Float] {
    let reason = "is not a list of \(count) numbers"
    let numbers = try value([Double].self, key, otherwise: reason) ?? missing
    let floats = numbers.map { Float($0) }
    guard floats.count == count else { throw invalid(key, reason) }
    if let outside = floats.first(where: { !range.contains($0) }) {
      throw invalid(key, "contains \(outside), outside \(range)")
    }
    return floats
  }

  func bool(_ key: Key, default missing: Bool) throws(InvalidValue) -> Bool {
    try value(Bool.self, key, otherwise: "is neither true nor false") ?? missing
  }

  /// Throws unless the key has the only supported value or is missing.
  func require<Value: Decodable & Equatable>(
    _ key: Key, _ expected: Value, otherwise reason: String
  ) throws(InvalidValue) {
    let value = try value(Value.self, key, otherwise: reason)
    guard value ?? expected == expected else { throw invalid(key, reason) }
  }

  private func check<Number: Comparable>(
    _ key: Key, _ value: Number, in range: ClosedRange<Number>
  ) throws(InvalidValue) -> Number {
    guard range.contains(value) else {
      throw invalid(key, "is \(value); it must be from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }
}
