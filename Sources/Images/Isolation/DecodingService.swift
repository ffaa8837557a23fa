internal import Glibc

/// The main loop of a decoding process: decodes for an ``IsolatedDecoder`` until it closes the
/// socket.
package func serveDecoding(on socket: Int32) {
  let decoder = ImageDecoder()
  while let header = receive(DecodingRequest.headerSize, from: socket) {
    guard let (count, side, kind) = DecodingRequest.read(header), count <= decoder.maximumBytes,
      let bytes = receive(count, from: socket)
    else { return }
    let response: DecodingResponse
    switch kind {
    case .details: response = .details(MetadataReader.details(of: bytes))
    case .text:
      do throws(TextReadingError) {
        if bytes.isEmpty { try decoder.requireTextReading() }
        response = .text(bytes.isEmpty ? "" : try decoder.text(in: bytes))
      } catch {
        response = .failure(error.description)
      }
    case .picture:
      do throws(ImageError) {
        let (picture, properties) = try decoder.decode(bytes, forSide: side)
        response = .picture(picture, properties)
      } catch {
        response = .failure(error.description)
      }
    }
    guard send(response.header, to: socket), send(response.body, to: socket) else { return }
  }
}

/// Limits this process to 4 GiB of address space above what it already uses (a great deal under a
/// sanitizer), several times what the largest picture needs, and disables core files.
package func limitDecodingProcess() {
  for (resource, limit) in [(RLIMIT_AS, addressSpace() + 4 << 30), (RLIMIT_CORE, 0)] {
    var bounds = rlimit(rlim_cur: limit, rlim_max: limit)
    setrlimit(__rlimit_resource_t(resource.rawValue), &bounds)
  }
}

/// The address space in use, in bytes; 0 if unknown.
private func addressSpace() -> rlim_t {
  guard let file = fopen("/proc/self/statm", "r") else { return 0 }
  defer { fclose(file) }
  var line = [CChar](repeating: 0, count: 32)
  fgets(&line, 32, file)
  return rlim_t(strtoul(line, nil, 10)) * rlim_t(sysconf(Int32(_SC_PAGESIZE)))
}

/// Receives exactly `size` bytes; nil if the other side has closed the socket.
private func receive(_ size: Int, from socket: Int32) -> [UInt8]? {
  let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, received in
    while received < size {
      let count = recv(socket, buffer.baseAddress! + received, size - received, 0)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return }
      received += count
    }
  }
  return bytes.count == size ? bytes : nil
}

private func send(_ bytes: [UInt8], to socket: Int32) -> Bool {
  var sent = 0
  while sent < bytes.count {
    let count = bytes.withUnsafeBytes {
      Glibc.send(socket, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
    }
    if count < 0, errno == EINTR { continue }
    guard count > 0 else { return false }
    sent += count
  }
  return true
}
