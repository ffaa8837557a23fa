import FoundationEssentials

/// Decodes a JSON file of a model folder; what is wrong with it is told with the file and the key.
func decodeConfiguration<Value: Decodable>(
  _ type: Value.Type, file: String, bytes: [UInt8]
) throws(CheckpointError) -> Value {
  do {
    return try JSONDecoder().decode(type, from: Data(bytes))
  } catch let refusal as Refusal {
    throw CheckpointError("\(file): \(refusal)")
  } catch DecodingError.typeMismatch(let expected, let context) {
    let path = pathText(context.codingPath)
    guard !path.isEmpty else { throw CheckpointError("\(file): not a JSON object") }
    let noun =
      expected is String.Type ? "a string" : expected is [Any].Type ? "a list" : "an object"
    throw CheckpointError("\(file): \(path) is not \(noun)")
  } catch {
    throw CheckpointError("\(file): not JSON; is the file whole?")
  }
}

/// What a configuration says that cannot be run, with the way to the key that says it.
struct Refusal: Error, CustomStringConvertible {
  let description: String

  init(_ path: [any CodingKey], _ reason: String) { description = "\(pathText(path)) \(reason)" }
}

/// Keys and places as a person writes them: `vision_config.stem.layers[3].kind`.
private func pathText(_ path: [any CodingKey]) -> String {
  path.reduce("") { text, key in
    if let index = key.intValue { return "\(text)[\(index)]" }
    return text.isEmpty ? key.stringValue : "\(text).\(key.stringValue)"
  }
}

/// Values with bounds. A key that is `null` counts as missing, as where Hugging Face writes its
/// files.
extension KeyedDecodingContainer {
  func refuse(_ key: Key, _ reason: String) -> Refusal { Refusal(codingPath + [key], reason) }

  /// The value under `key`; nil where it is missing.
  func value<Value: Decodable>(
    _ type: Value.Type, _ key: Key, otherwise reason: String
  ) throws(Refusal) -> Value? {
    do { return try decodeIfPresent(type, forKey: key) } catch { throw refuse(key, reason) }
  }

  /// The object under `key`; where it is missing, what an empty one means.
  func section<Section: Decodable>(_ type: Section.Type, _ key: Key) throws -> Section {
    if let section = try decodeIfPresent(type, forKey: key) { return section }
    return try JSONDecoder().decode(type, from: Data("{}".utf8))
  }

  func integer(_ key: Key, in range: ClosedRange<Int>) throws(Refusal) -> Int? {
    guard let value = try value(Int.self, key, otherwise: "is not a whole number") else {
      return nil
    }
    return try check(key, value, in: range)
  }

  func integer(
    _ key: Key, default missing: Int, in range: ClosedRange<Int>
  ) throws(Refusal) -> Int {
    if let value = try integer(key, in: range) { return value }
    // A default too may lie outside of what the file makes of the range.
    return try check(key, missing, in: range)
  }

  func required(_ key: Key, in range: ClosedRange<Int>) throws(Refusal) -> Int {
    guard let value = try integer(key, in: range) else { throw refuse(key, "is missing") }
    return value
  }

  /// A whole number, or a list of two equal ones: a square's side.
  func side(
    _ key: Key, default missing: Int, in range: ClosedRange<Int>
  ) throws(Refusal) -> Int {
    guard let sides = try? decode([Int].self, forKey: key) else {
      return try integer(key, default: missing, in: range)
    }
    guard sides.count == 2, sides[0] == sides[1], range.contains(sides[0]) else {
      throw refuse(key, "is not a square's side in \(range)")
    }
    return sides[0]
  }

  func float(
    _ key: Key, default missing: Double, in range: ClosedRange<Float>
  ) throws(Refusal) -> Float {
    let value = try value(Double.self, key, otherwise: "is not a number") ?? missing
    return try check(key, Float(value), in: range)
  }

  func floats(
    _ key: Key, count: Int, default missing: [Double], in range: ClosedRange<Float>
  ) throws(Refusal) -> [Float] {
    let reason = "is not a list of \(count) numbers"
    let numbers = try value([Double].self, key, otherwise: reason) ?? missing
    let floats = numbers.map { Float($0) }
    guard floats.count == count else { throw refuse(key, reason) }
    if let outside = floats.first(where: { !range.contains($0) }) {
      throw refuse(key, "holds \(outside), outside \(range)")
    }
    return floats
  }

  func bool(_ key: Key, default missing: Bool) throws(Refusal) -> Bool {
    try value(Bool.self, key, otherwise: "is neither true nor false") ?? missing
  }

  /// Refuses a key that says anything but what the engine does.
  func require<Value: Decodable & Equatable>(
    _ key: Key, _ expected: Value, otherwise reason: String
  ) throws(Refusal) {
    let value = try value(Value.self, key, otherwise: reason)
    guard value ?? expected == expected else { throw refuse(key, reason) }
  }

  private func check<Number: Comparable>(
    _ key: Key, _ value: Number, in range: ClosedRange<Number>
  ) throws(Refusal) -> Number {
    guard range.contains(value) else {
      throw refuse(key, "is \(value); it must be from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }
}
