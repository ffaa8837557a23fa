/// Reads the pickle of a checkpoint as data: a stack machine with a memo that supports tensors,
/// dictionaries, lists, tuples, numbers, booleans, None and strings, and rejects every other opcode
/// and name. Nothing is called or imported; only values of ``PickledValue`` are created.
///
/// Containers refer to their elements by array index, so that repeated references are cheap and
/// cycles are harmless. An opcode creates at most one value and the number of opcodes is bounded,
/// which bounds time and memory.
struct PickleReader {
  /// Over a hundred times the length for a BLIP model with its optimiser state.
  static let maximumLength = 16 << 20
  private static let maximumOpcodes = 1 << 20
  /// PyTorch supports 64 dimensions; models use up to 4.
  private static let maximumDimensions = 8

  /// The elements of tuples, by index.
  private var tuples: [[PickledValue]] = []
  /// The items of dictionaries with string keys, in order, by index.
  private(set) var dictionaries: [[(key: String, value: PickledValue)]] = []
  private(set) var tensors: [PickledTensor] = []
  private var storages: [PickledStorage] = []
  private var memo: [Int: PickledValue] = [:]
  private var stack: [PickledValue] = []
  /// The stack heights at which marks were set.
  private var marks: [Int] = []
  private var input: PickleInput

  /// Reads a complete pickle; returns its value and the reader that holds its contents.
  static func read(_ bytes: [UInt8]) throws(PickleError) -> (PickledValue, PickleReader) {
    guard bytes.count <= maximumLength else {
      throw PickleError(
        reason: "\(bytes.count) bytes where at most \(maximumLength) are expected")
    }
    var reader = PickleReader(input: PickleInput(bytes))
    return (try reader.run(), reader)
  }

  private init(input: PickleInput) { self.input = input }

  private mutating func run() throws(PickleError) -> PickledValue {
    guard try input.opcode() == .proto, (2...5).contains(try input.byte()) else {
      throw PickleError(reason: "not a pickle of protocol 2 to 5")
    }
    for _ in 0..<Self.maximumOpcodes {
      let opcode = try input.opcode()
      if opcode == .stop { return try pop() }
      try execute(opcode)
    }
    throw PickleError(reason: "more than \(Self.maximumOpcodes) opcodes")
  }

  private mutating func execute(_ opcode: PickleOpcode) throws(PickleError) {
    switch opcode {
    case .proto: _ = try input.byte()
    case .frame: _ = try input.number(bytes: 8)
    case .mark: marks.append(stack.count)
    case .pop: if stack.count == marks.last { marks.removeLast() } else { _ = try pop() }
    case .popMark: _ = try popToMark()
    case .dup: stack.append(try top())
    case .none, .newTrue, .newFalse, .emptyList: stack.append(.unused)
    case .binFloat:
      try input.skip(8)
      stack.append(.unused)
    case .binInt: push(Int(Int32(truncatingIfNeeded: try input.number(bytes: 4))))
    case .binInt1: push(try input.number(bytes: 1))
    case .binInt2: push(try input.number(bytes: 2))
    case .long1: try pushLong(bytes: try input.number(bytes: 1))
    case .long4: try pushLong(bytes: try input.number(bytes: 4))
    case .shortBinUnicode: stack.append(.string(try input.text(input.number(bytes: 1))))
    case .binUnicode: stack.append(.string(try input.text(input.number(bytes: 4))))
    case .binUnicode8: stack.append(.string(try input.text(input.number(bytes: 8))))
    case .append:
      _ = try pop()
      try requireList()
    case .appends:
      _ = try popToMark()
      try requireList()
    case .list:
      _ = try popToMark()
      stack.append(.unused)
    case .emptyTuple: push(tuple: [])
    case .tuple: push(tuple: try popToMark())
    case .tuple1: try pushTuple(of: 1)
    case .tuple2: try pushTuple(of: 2)
    case .tuple3: try pushTuple(of: 3)
    case .emptyDict: pushDictionary()
    case .dict:
      let items = try popToMark()
      pushDictionary()
      try setItems(items)
    case .setItem: try setItems(pop(2))
    case .setItems: try setItems(popToMark())
    case .binGet: try recall(input.number(bytes: 1))
    case .longBinGet: try recall(input.number(bytes: 4))
    case .binPut: memo[try input.number(bytes: 1)] = try top()
    case .longBinPut: memo[try input.number(bytes: 4)] = try top()
    case .memoize: memo[memo.count] = try top()
    case .global: try push(name: input.line(), of: input.line())
    case .stackGlobal:
      guard case .string(let name) = try pop(), case .string(let module) = try pop() else {
        throw input.failure("a name is not a string")
      }
      try push(name: module, of: name)
    case .reduce: try reduce()
    case .build: try build()
    case .binPersID: try findStorage()
    default: throw input.failure("its opcode \(opcode.name) is not supported in checkpoints")
    }
  }
}

// MARK: - The stack

extension PickleReader {
  private mutating func pop() throws(PickleError) -> PickledValue {
    guard stack.count > marks.last ?? 0, let value = stack.popLast() else {
      throw input.failure("its stack is empty")
    }
    return value
  }

  private mutating func pop(_ count: Int) throws(PickleError) -> [PickledValue] {
    guard stack.count - (marks.last ?? 0) >= count else {
      throw input.failure("its stack is empty")
    }
    defer { stack.removeLast(count) }
    return Array(stack.suffix(count))
  }

  private mutating func popToMark() throws(PickleError) -> [PickledValue] {
    guard let mark = marks.popLast() else { throw input.failure("its stack has no mark") }
    return try pop(stack.count - mark)
  }

  private func top() throws(PickleError) -> PickledValue {
    guard stack.count > marks.last ?? 0, let value = stack.last else {
      throw input.failure("its stack is empty")
    }
    return value
  }

  private func requireList() throws(PickleError) {
    guard case .unused = try top() else {
      throw input.failure("it appends to a value that is not a list")
    }
  }

  private mutating func push(_ integer: Int) { stack.append(.integer(integer)) }

  private mutating func push(tuple: [PickledValue]) {
    stack.append(.tuple(tuples.count))
    tuples.append(tuple)
  }

  private mutating func pushTuple(of count: Int) throws(PickleError) {
    push(tuple: try pop(count))
  }

  private mutating func pushDictionary() {
    stack.append(.dictionary(dictionaries.count))
    dictionaries.append([])
  }

  /// Pushes a two's-complement integer of `count` bytes.
  private mutating func pushLong(bytes count: Int) throws(PickleError) {
    guard 1...8 ~= count else {
      try input.skip(count)
      return stack.append(count == 0 ? .integer(0) : .unused)
    }
    let unused = 64 - 8 * count
    push((Int(truncatingIfNeeded: try input.bits(bytes: count)) << unused) >> unused)
  }

  private mutating func recall(_ place: Int) throws(PickleError) {
    guard let value = memo[place] else { throw input.failure("its memo has no entry \(place)") }
    stack.append(value)
  }

  private mutating func push(name module: String, of name: String) throws(PickleError) {
    guard let known = PickledName(module: module, name: name) else {
      let full = "\(module).\(name)"
      let isPlain = full.utf8.count <= 200 && full.utf8.allSatisfy { 0x20..<0x7F ~= $0 }
      throw input.failure("it refers to \(isPlain ? full : "an unprintable name")")
    }
    stack.append(.name(known))
  }

  private mutating func setItems(_ items: [PickledValue]) throws(PickleError) {
    guard case .dictionary(let place) = try top(), items.count % 2 == 0 else {
      throw input.failure("it sets items of a value that is not a dictionary")
    }
    for index in stride(from: 0, to: items.count, by: 2) {
      guard case .string(let key) = items[index] else { continue }
      dictionaries[place].append((key, items[index + 1]))
    }
  }
}

// MARK: - Calls

extension PickleReader {
  private mutating func reduce() throws(PickleError) {
    guard case .tuple(let place) = try pop() else {
      throw input.failure("it calls a name with a value that is not a tuple of arguments")
    }
    let arguments = tuples[place]
    switch (try pop(), arguments.first, arguments.count) {
    case (.name(.orderedDict), nil, _): pushDictionary()
    case (.name(.rebuildParameter), .tensor(let tensor), 3): stack.append(.tensor(tensor))
    case (.name(.rebuildTensor), .storage(let storage), 6...7):
      guard case .integer(let offset) = arguments[1] else {
        throw input.failure("a tensor's offset is not an integer")
      }
      let tensor = PickledTensor(
        storage: storages[storage], offset: offset, shape: try integers(arguments[2]),
        strides: try integers(arguments[3]))
      stack.append(.tensor(tensors.count))
      tensors.append(tensor)
    default: throw input.failure("its call does not build a tensor")
    }
  }

  /// A state set on a dictionary (`_metadata`) does not affect its items.
  private mutating func build() throws(PickleError) {
    guard case .dictionary = try pop(), case .dictionary = try top() else {
      throw input.failure("its opcode BUILD sets a state on a value other than a dictionary")
    }
  }

  /// `('storage', type, key, location, count)`
  private mutating func findStorage() throws(PickleError) {
    guard case .tuple(let place) = try pop(), tuples[place].count == 5,
      case .string("storage") = tuples[place][0],
      case .name(.storage(let type)) = tuples[place][1],
      case .string(let key) = tuples[place][2], case .integer(let count) = tuples[place][4]
    else { throw input.failure("a persistent id is not a storage") }
    stack.append(.storage(storages.count))
    storages.append(PickledStorage(type: type, key: key, count: count))
  }

  private func integers(_ value: PickledValue) throws(PickleError) -> [Int] {
    guard case .tuple(let place) = value, tuples[place].count <= Self.maximumDimensions else {
      throw input.failure("a tensor's shape is not a tuple of at most \(Self.maximumDimensions)")
    }
    var integers: [Int] = []
    for value in tuples[place] {
      guard case .integer(let integer) = value else {
        throw input.failure("a tensor's shape contains a value that is not an integer")
      }
      integers.append(integer)
    }
    return integers
  }
}
