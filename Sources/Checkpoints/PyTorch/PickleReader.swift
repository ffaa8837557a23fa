/// Reads the pickle of a checkpoint as data: a machine with a stack and a memo that knows tensors,
/// dictionaries, lists, tuples, numbers, booleans, None and strings, and refuses every other opcode
/// and name. Nothing is called, imported or made but values of ``PickledValue``.
///
/// Values refer to what they hold by its place in an array, so that a reference costs nothing,
/// however often it stands somewhere, and one that leads back to itself leads nowhere. An opcode
/// makes at most one value and their number is bounded: so are time and memory.
struct PickleReader {
  /// Over a hundred times a BLIP's, its optimiser's state included.
  static let longestPickle = 16 << 20
  private static let mostOpcodes = 1 << 20
  /// PyTorch's tensors have up to 64 dimensions, a model's up to 4.
  private static let mostDimensions = 8

  /// What tuples hold.
  private var tuples: [[PickledValue]] = []
  /// What dictionaries hold under keys that are strings, in order.
  private(set) var dictionaries: [[(key: String, value: PickledValue)]] = []
  private(set) var tensors: [PickledTensor] = []
  private var storages: [PickledStorage] = []
  private var memo: [Int: PickledValue] = [:]
  private var stack: [PickledValue] = []
  /// The heights of the stack where marks were set.
  private var marks: [Int] = []
  private var input: PickleInput

  /// Reads a whole pickle.
  static func read(_ bytes: [UInt8]) throws(PickleRefusal) -> (PickledValue, PickleReader) {
    guard bytes.count <= longestPickle else {
      throw PickleRefusal(
        reason: "\(bytes.count) bytes where at most \(longestPickle) are expected")
    }
    var reader = PickleReader(input: PickleInput(bytes))
    return (try reader.run(), reader)
  }

  private init(input: PickleInput) { self.input = input }

  private mutating func run() throws(PickleRefusal) -> PickledValue {
    guard try input.opcode() == .proto, (2...5).contains(try input.byte()) else {
      throw PickleRefusal(reason: "not a pickle of protocol 2 to 5")
    }
    for _ in 0..<Self.mostOpcodes {
      let opcode = try input.opcode()
      if opcode == .stop { return try pop() }
      try execute(opcode)
    }
    throw PickleRefusal(reason: "more than \(Self.mostOpcodes) opcodes")
  }

  private mutating func execute(_ opcode: PickleOpcode) throws(PickleRefusal) {
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
        throw input.refusal("a name is no string")
      }
      try push(name: module, of: name)
    case .reduce: try reduce()
    case .build: try build()
    case .binPersID: try findStorage()
    default: throw input.refusal("its opcode \(opcode.name) makes what no checkpoint needs")
    }
  }
}

// MARK: - The stack

extension PickleReader {
  private mutating func pop() throws(PickleRefusal) -> PickledValue {
    guard stack.count > marks.last ?? 0, let value = stack.popLast() else {
      throw input.refusal("its stack is empty")
    }
    return value
  }

  private mutating func pop(_ count: Int) throws(PickleRefusal) -> [PickledValue] {
    guard stack.count - (marks.last ?? 0) >= count else {
      throw input.refusal("its stack is empty")
    }
    defer { stack.removeLast(count) }
    return Array(stack.suffix(count))
  }

  private mutating func popToMark() throws(PickleRefusal) -> [PickledValue] {
    guard let mark = marks.popLast() else { throw input.refusal("its stack has no mark") }
    return try pop(stack.count - mark)
  }

  private func top() throws(PickleRefusal) -> PickledValue {
    guard stack.count > marks.last ?? 0, let value = stack.last else {
      throw input.refusal("its stack is empty")
    }
    return value
  }

  private func requireList() throws(PickleRefusal) {
    guard case .unused = try top() else { throw input.refusal("it appends to what is no list") }
  }

  private mutating func push(_ integer: Int) { stack.append(.integer(integer)) }

  private mutating func push(tuple: [PickledValue]) {
    stack.append(.tuple(tuples.count))
    tuples.append(tuple)
  }

  private mutating func pushTuple(of count: Int) throws(PickleRefusal) {
    push(tuple: try pop(count))
  }

  private mutating func pushDictionary() {
    stack.append(.dictionary(dictionaries.count))
    dictionaries.append([])
  }

  /// An integer of so many bytes, two's complement.
  private mutating func pushLong(bytes count: Int) throws(PickleRefusal) {
    guard 1...8 ~= count else {
      try input.skip(count)
      return stack.append(count == 0 ? .integer(0) : .unused)
    }
    let unused = 64 - 8 * count
    push((Int(truncatingIfNeeded: try input.bits(bytes: count)) << unused) >> unused)
  }

  private mutating func recall(_ place: Int) throws(PickleRefusal) {
    guard let value = memo[place] else { throw input.refusal("its memo has no \(place)") }
    stack.append(value)
  }

  private mutating func push(name module: String, of name: String) throws(PickleRefusal) {
    guard let known = PickledName(module: module, name: name) else {
      let full = "\(module).\(name)"
      let isPlain = full.utf8.count <= 200 && full.utf8.allSatisfy { 0x20..<0x7F ~= $0 }
      throw input.refusal("it names \(isPlain ? full : "something")")
    }
    stack.append(.name(known))
  }

  private mutating func setItems(_ items: [PickledValue]) throws(PickleRefusal) {
    guard case .dictionary(let place) = try top(), items.count % 2 == 0 else {
      throw input.refusal("it sets items of what is no dictionary")
    }
    for index in stride(from: 0, to: items.count, by: 2) {
      guard case .string(let key) = items[index] else { continue }
      dictionaries[place].append((key, items[index + 1]))
    }
  }
}

// MARK: - What names make

extension PickleReader {
  private mutating func reduce() throws(PickleRefusal) {
    guard case .tuple(let place) = try pop() else {
      throw input.refusal("it calls something with what are no arguments")
    }
    let arguments = tuples[place]
    switch (try pop(), arguments.first, arguments.count) {
    case (.name(.orderedDict), nil, _): pushDictionary()
    case (.name(.rebuildParameter), .tensor(let tensor), 3): stack.append(.tensor(tensor))
    case (.name(.rebuildTensor), .storage(let storage), 6...7):
      guard case .integer(let offset) = arguments[1] else {
        throw input.refusal("a tensor's place is no whole number")
      }
      let tensor = PickledTensor(
        storage: storages[storage], offset: offset, shape: try integers(arguments[2]),
        strides: try integers(arguments[3]))
      stack.append(.tensor(tensors.count))
      tensors.append(tensor)
    default: throw input.refusal("it calls something in a way that makes no tensor")
    }
  }

  /// A state that is given to a dictionary (`_metadata`) says nothing of its items.
  private mutating func build() throws(PickleRefusal) {
    guard case .dictionary = try pop(), case .dictionary = try top() else {
      throw input.refusal("its opcode BUILD gives a state to what has none")
    }
  }

  /// `('storage', type, key, location, count)`
  private mutating func findStorage() throws(PickleRefusal) {
    guard case .tuple(let place) = try pop(), tuples[place].count == 5,
      case .string("storage") = tuples[place][0],
      case .name(.storage(let type)) = tuples[place][1],
      case .string(let key) = tuples[place][2], case .integer(let count) = tuples[place][4]
    else { throw input.refusal("it refers to something that is no storage") }
    stack.append(.storage(storages.count))
    storages.append(PickledStorage(type: type, key: key, count: count))
  }

  private func integers(_ value: PickledValue) throws(PickleRefusal) -> [Int] {
    guard case .tuple(let place) = value, tuples[place].count <= Self.mostDimensions else {
      throw input.refusal("a tensor's shape is not a tuple of at most \(Self.mostDimensions)")
    }
    var integers: [Int] = []
    for value in tuples[place] {
      guard case .integer(let integer) = value else {
        throw input.refusal("a tensor's shape holds something else than whole numbers")
      }
      integers.append(integer)
    }
    return integers
  }
}
