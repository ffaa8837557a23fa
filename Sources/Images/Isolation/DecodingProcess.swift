internal import Glibc
internal import Synchronization

/// A decoding process and the socket connected to it.
final class DecodingProcess: Sendable {
  /// Why a request failed; the process has ended or is being killed.
  enum Failure: Error {
    case timedOut
    /// With a description that completes a sentence.
    case ended(String)
  }

  private let id: pid_t
  private let socket: Int32
  /// Whether `waitpid` has returned: the process id may then be reused.
  private let isReaped = Mutex(false)

  /// Starts `command`, which must call ``serveDecoding(on:)`` with its standard input.
  init(command: [String]) throws(DecodingProcessError) {
    var pair: [Int32] = [-1, -1]
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &pair) == 0 else {
      throw DecodingProcessError("socketpair", errno)
    }
    defer { close(pair[1]) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, pair[1], 0)
    // Discard what codecs print.
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // A separate process group: Ctrl-C interrupts only the main program, which lets the current
    // picture finish.
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))

    let arguments = command.map { strdup($0) }
    defer { for argument in arguments { free(argument) } }
    var process: pid_t = 0
    let code = posix_spawnp(
      &process, command[0], &actions, &attributes, arguments + [nil], environ)
    guard code == 0 else {
      close(pair[0])
      throw DecodingProcessError(command[0], code)
    }
    id = process
    socket = pair[0]
    _ = fcntl(socket, F_SETFL, O_NONBLOCK)
  }

  /// Closing the socket ends the process.
  deinit {
    close(socket)
    _ = reap()
  }

  /// Sends a request and returns the response; a picture of more than `limit` pixels is invalid.
  func send(_ request: DecodingRequest, limit: Int, within time: Duration) throws(Failure)
    -> DecodingResponse
  {
    let deadline = ContinuousClock.now + time
    try send(request.header, until: deadline)
    try send(request.bytes, until: deadline)
    let header = try receive(DecodingResponse.headerSize, until: deadline)
    guard let size = DecodingResponse.bodySize(header, limit: limit),
      let response = DecodingResponse(header, body: try receive(size, until: deadline)),
      response.answers(request.kind)
    else {
      kill(id, SIGKILL)
      throw .ended("sent an invalid response")
    }
    return response
  }

  private func send(_ bytes: [UInt8], until deadline: ContinuousClock.Instant) throws(Failure) {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(socket, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
      }
      if count >= 0 { sent += count } else { try wait(for: POLLOUT, until: deadline) }
    }
  }

  private func receive(_ size: Int, until deadline: ContinuousClock.Instant) throws(Failure)
    -> [UInt8]
  {
    var failure: Failure?
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, received in
      while received < size, failure == nil {
        let count = recv(socket, buffer.baseAddress! + received, size - received, 0)
        do throws(Failure) {
          if count == 0 { throw end() }
          if count > 0 { received += count } else { try wait(for: POLLIN, until: deadline) }
        } catch { failure = error }
      }
    }
    if let failure { throw failure }
    return bytes
  }

  /// Waits until the socket is ready after a call failed with `errno`.
  private func wait(for event: Int32, until deadline: ContinuousClock.Instant) throws(Failure) {
    guard errno == EAGAIN || errno == EINTR else { throw end() }
    let left = (deadline - .now) / .milliseconds(1)
    guard left > 0 else {
      kill(id, SIGKILL)
      throw .timedOut
    }
    var request = pollfd(fd: socket, events: Int16(event), revents: 0)
    poll(&request, 1, Int32(min(left + 1, 1e6)))
  }

  /// Ends the process and describes how it ended.
  private func end() -> Failure {
    kill(id, SIGKILL)
    guard let status = reap() else { return .ended("ended") }
    let signal = status & 0x7F
    // SIGKILL may be ours, if the process had closed its socket and was about to exit.
    return .ended(signal == 0 || signal == SIGKILL ? "ended" : "crashed (signal \(signal))")
  }

  private func reap() -> Int32? {
    isReaped.withLock { isReaped in
      if isReaped { return nil }
      isReaped = true
      var status: Int32 = 0
      while waitpid(id, &status, 0) < 0 { if errno != EINTR { return nil } }
      return status
    }
  }
}

/// A failed system call: a fault of the machine, not of a picture.
public struct DecodingProcessError: Error, CustomStringConvertible {
  /// One line.
  public let description: String

  init(_ what: String, _ code: Int32) {
    description =
      "cannot start a decoding process: \(what): "
      + String(cString: strerror(code))
  }
}
