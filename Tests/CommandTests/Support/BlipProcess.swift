import FoundationEssentials
import Glibc
import TestSupport

/// What a run of the binary left behind.
struct Outcome {
  /// The exit status, or 128 + the signal that ended it, as a shell has it.
  let status: Int32
  let output: String
  let errors: String

  /// The lines on standard output.
  var lines: [String] { output.split(separator: "\n").map(String.init) }
  /// The lines on standard error.
  var errorLines: [String] { errors.split(separator: "\n").map(String.init) }

  /// What is on standard error besides that a list is improbable, as are all for coloured tiles.
  var warnings: [String] {
    errorLines.filter { !$0.contains("probably nothing here shows this") }
  }

  /// The objects that `--json` writes, one a line.
  func objects<Value: Decodable>(_ type: Value.Type) throws -> [Value] {
    try lines.map { try JSONDecoder().decode(type, from: Data($0.utf8)) }
  }
}

/// The built `blip`, running; its output goes to files, so that it never waits for its reader.
struct BlipProcess {
  let id: pid_t
  private let folder = TemporaryFolder()

  /// The binary lies beside the one that runs the tests; `$BLIP_BINARY` names another, such as a
  /// release build, with which these tests are much quicker.
  static let path: String = {
    getenv("BLIP_BINARY").map { String(cString: $0) } ?? built("blip")
  }()

  /// A binary of this package, which lies beside the one that runs the tests.
  static func built(_ name: String) -> String {
    guard let tests = realpath("/proc/self/exe", nil) else { fatalError("no /proc") }
    defer { free(tests) }
    let path = String(cString: tests)
    return path[..<path.lastIndex(of: "/")!] + "/\(name)"
  }

  /// Starts `blip`, by way of a launcher where one is given, in an environment that holds little
  /// but what is given. `standardError` names what takes the place of its file.
  init(
    _ arguments: [String], environment: [String: String] = [:], launcher: [String] = [],
    standardError: String? = nil, binary: String = path
  ) {
    let command = launcher + [binary] + arguments
    var variables = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": folder.path]
    // The libraries of the Swift toolchain are found the way the tests found them; a sanitizer is told
    // what theirs was.
    for name in ["LD_LIBRARY_PATH", "ASAN_OPTIONS", "TSAN_OPTIONS"] {
      variables[name] = getenv(name).map { String(cString: $0) }
    }
    variables.merge(environment) { $1 }

    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(
      &actions, 1, folder.path + "/output", O_WRONLY | O_CREAT, 0o600)
    posix_spawn_file_actions_addopen(
      &actions, 2, standardError ?? folder.path + "/errors", O_WRONLY | O_CREAT, 0o600)

    var process: pid_t = 0
    let result = Self.withCStrings(command) { argv in
      Self.withCStrings(variables.map { "\($0)=\($1)" }) { envp in
        posix_spawnp(&process, command[0], &actions, nil, argv, envp)
      }
    }
    precondition(result == 0, "\(command[0]): \(String(cString: strerror(result)))")
    id = process
  }

  /// What it has written on standard error so far.
  var errors: String { read("errors") }

  /// Whether it has ended, as its outcome will tell.
  var hasEnded: Bool {
    var end = siginfo_t()
    return waitid(P_PID, id_t(id), &end, WEXITED | WNOHANG | WNOWAIT) == 0 && end.si_signo != 0
  }

  /// Waits for its end.
  func outcome() -> Outcome {
    var status: Int32 = 0
    while waitpid(id, &status, 0) < 0 && errno == EINTR {}
    let signal = status & 0x7F
    return Outcome(
      status: signal == 0 ? status >> 8 & 0xFF : 128 + signal, output: read("output"),
      errors: read("errors"))
  }

  private func read(_ name: String) -> String {
    let data = FileManager.default.contents(atPath: "\(folder.path)/\(name)") ?? Data()
    return String(decoding: data, as: UTF8.self)
  }

  private static func withCStrings<Result>(
    _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
  ) -> Result {
    let copies = strings.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    return body(copies + [nil])
  }
}

/// Runs `blip` to its end.
@discardableResult
func blip(
  _ arguments: String..., environment: [String: String] = [:], launcher: [String] = []
) -> Outcome {
  BlipProcess(arguments, environment: environment, launcher: launcher).outcome()
}
