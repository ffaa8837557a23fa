import AsyncHTTPClient
import Foundation
import Glibc
import NIOCore
import NIOHTTP1

/// A `blip serve` on a port of its own, and requests to it.
final class ServerProcess: Sendable {
  private let process: BlipProcess
  /// `http://127.0.0.1:PORT`
  let address: String

  /// Starts a server and waits until it answers. Nil where it ends before.
  init?(_ arguments: String...) {
    process = BlipProcess(["serve", "--listen", "127.0.0.1:0"] + arguments)
    while true {
      let words = process.errors.split(whereSeparator: \.isWhitespace)
      if let word = words.first(where: { $0.hasPrefix("http://127.0.0.1:") }) {
        address = String(word.dropLast())
        return
      }
      if process.hasEnded { return nil }
      usleep(20_000)
    }
  }

  /// Tells it to stop, and waits for its end.
  func stop() -> Outcome {
    kill(process.id, SIGTERM)
    return process.outcome()
  }

  /// An answer.
  struct Answer {
    let status: Int
    let headers: [String: String]
    let body: Data
    var text: String { String(decoding: body, as: UTF8.self) }

    func decoded<Value: Decodable>(_ type: Value.Type) throws -> Value {
      try JSONDecoder().decode(type, from: body)
    }
  }

  func get(_ path: String, _ headers: [String: String] = [:]) async throws -> Answer {
    try await send("GET", path, headers)
  }

  func send(
    _ method: String, _ path: String, _ headers: [String: String] = [:], body: [UInt8] = []
  ) async throws -> Answer {
    var request = HTTPClientRequest(url: address + path)
    request.method = .init(rawValue: method)
    for (name, value) in headers { request.headers.add(name: name, value: value) }
    if !body.isEmpty { request.body = .bytes(ByteBuffer(bytes: body)) }
    let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
    let received = try await response.body.collect(upTo: 1 << 26)
    return Answer(
      status: Int(response.status.code),
      headers: Dictionary(
        response.headers.map { ($0.name.lowercased(), $0.value) }, uniquingKeysWith: { $1 }),
      body: Data(received.readableBytesView))
  }
}
