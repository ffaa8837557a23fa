import TestSupport

/// What a run of `blip` did to `data.mdb`, in order, as `strace` saw it.
struct DiskTrace {
  enum Event: Equatable {
    /// `isDurable`: on the disk when the call returned, as through a descriptor opened with O_DSYNC.
    case write([UInt8], at: Int, isDurable: Bool)
    case resize(Int)
    /// All that was done before is on the disk.
    case flush
  }

  let events: [Event]
  let outcome: Outcome

  /// Whether programs can be traced here.
  static let isPossible =
    Checkout.has("/usr/bin/strace")
    && blip("--version", launcher: ["strace", "-f", "-o", "/dev/null"])
      .status == 0

  /// Runs `blip` with the arguments and looks at what it does to a file.
  init(of file: String, _ arguments: [String]) throws {
    let folder = TemporaryFolder()
    let calls = "openat,lseek,write,writev,pwrite64,pwritev,ftruncate,fdatasync,fsync"
    outcome = BlipProcess(
      arguments,
      launcher: [
        "strace", "-f", "-q", "-o", folder.path + "/trace", "-e", "trace=" + calls, "-P", file,
        // Whole strings, every byte of them in hexadecimal digits.
        "-s", "100000000", "-xx",
      ]
    ).outcome()
    var reader = TraceReader()
    for line in String(decoding: readBytes(folder.path + "/trace"), as: UTF8.self).split(
      separator: "\n")
    { try reader.read(line) }
    events = reader.events
  }
}

/// Makes events of the lines of a trace.
private struct TraceReader {
  private(set) var events: [DiskTrace.Event] = []
  private var durable: Set<Substring> = []
  private var positions: [Substring: Int] = [:]

  struct Unreadable: Error {
    let line: Substring
  }

  /// Takes `1234  pwrite64(9, "\x00\x01", 2, 4096) = 2`, and lines that tell of no call.
  mutating func read(_ line: Substring) throws {
    guard let start = line.firstIndex(of: "("), let equals = line.lastIndex(of: "="),
      let end = line[..<equals].lastIndex(of: ")")
    else {
      guard line.contains("+++") || line.contains("---") else { throw Unreadable(line: line) }
      return
    }
    let call = line[..<start].split(separator: " ").last ?? ""
    let arguments = line[line.index(after: start)..<end]
    let file = arguments.prefix { $0 != "," }
    let last = Int(arguments.split(separator: " ").last ?? "")
    let result = line[equals...].split(separator: " ").dropFirst().first ?? ""
    guard let count = Int(result) else { throw Unreadable(line: line) }
    if count < 0 { return }

    switch call {
    case "openat":
      // The number may have been another file's before.
      durable.remove(result)
      if arguments.contains("O_DSYNC") { durable.insert(result) }
      positions[result] = 0
    case "lseek": positions[file] = count
    case "write", "writev":
      let position = positions[file] ?? 0
      add(arguments, count, at: position, file)
      positions[file] = position + count
    case "pwrite64", "pwritev":
      guard let last else { throw Unreadable(line: line) }
      add(arguments, count, at: last, file)
    case "ftruncate":
      guard let last else { throw Unreadable(line: line) }
      events.append(.resize(last))
    default: events.append(.flush)
    }
  }

  private mutating func add(
    _ arguments: Substring, _ count: Int, at offset: Int, _ file: Substring
  ) {
    let strings = arguments.utf8.split(
      separator: UInt8(ascii: "\""), omittingEmptySubsequences: false)
    // Every second piece stands between quotes: \x02\xff.
    let bytes = strings.enumerated().filter { $0.offset % 2 == 1 }.flatMap {
      Self.bytes($0.element)
    }
    events.append(
      .write(Array(bytes.prefix(count)), at: offset, isDurable: durable.contains(file)))
  }

  private static func bytes(_ text: Substring.UTF8View) -> [UInt8] {
    let text = Array(text)
    return stride(from: 0, to: text.count - 3, by: 4).map { place in
      text[(place + 2)...(place + 3)].reduce(0) { value, digit in
        value << 4 | (digit < UInt8(ascii: "a") ? digit - UInt8(ascii: "0") : digit - 87)
      }
    }
  }
}
