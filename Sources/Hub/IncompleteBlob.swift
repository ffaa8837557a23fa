import Digests
import Files
import Glibc

/// A blob's name in the cache, which is the hash of its contents.
struct BlobName: Sendable, Equatable {
  /// 64 hexadecimal digits: the SHA-256 of the bytes. 40: git's name for them, the SHA-1 of
  /// `blob LENGTH`, a zero byte and the bytes (Pro Git, 10.2).
  let digits: String
  private let algorithm: MessageDigest.Algorithm

  /// Nil for an ETag that is not such a hash, so that the file could not be verified.
  init?(etag: String) {
    let weak = etag.hasPrefix("W/") ? etag.dropFirst(2) : etag[...]
    let digits = weak.filter { $0 != "\"" }.lowercased()
    switch digits.utf8.count {
    case 64 where isHexadecimal(digits, count: 64): algorithm = .sha256
    case 40 where isHexadecimal(digits, count: 40): algorithm = .sha1
    default: return nil
    }
    self.digits = digits
  }

  /// Starts a digest for a blob of `count` bytes, including git's prefix.
  func digest(ofBytes count: Int) -> MessageDigest {
    var digest = MessageDigest(algorithm)
    if algorithm == .sha1 { Array("blob \(count)\0".utf8).withUnsafeBytes { digest.update($0) } }
    return digest
  }
}

/// A partially downloaded blob, `blobs/ETAG.incomplete`, which is kept for later runs.
struct IncompleteBlob: ~Copyable {
  private let path: String
  private let descriptor: Int32
  /// The number of bytes present.
  private(set) var size: Int

  /// Opens or creates the file.
  init(path: String) throws(HubError) {
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o666)
    guard descriptor >= 0 else { throw .system(path) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw HubError("\(path): not a regular file")
    }
    self.path = path
    self.descriptor = descriptor
    size = Int(status.st_size)
  }

  deinit { close(descriptor) }

  /// Appends bytes.
  mutating func append(_ bytes: UnsafeRawBufferPointer) throws(HubError) {
    do throws(FileError) { try FileSystem.write(bytes, to: descriptor, at: size) } catch {
      throw HubError.system(path, error.code)
    }
    size += bytes.count
  }

  /// Truncates the file to zero bytes.
  mutating func empty() throws(HubError) {
    guard ftruncate(descriptor, 0) == 0 else { throw .system(path) }
    size = 0
  }

  /// The hash of the contents, by the algorithm of `name`.
  func hash(as name: BlobName) throws(HubError) -> String {
    var digest = name.digest(ofBytes: size)
    let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
    defer { piece.deallocate() }
    var place = 0
    while place < size {
      let part = UnsafeMutableRawBufferPointer(rebasing: piece.prefix(size - place))
      do throws(FileError) {
        guard try FileSystem.read(into: part, from: descriptor, at: place) == part.count else {
          throw .system(EIO)
        }
      } catch { throw HubError.system(path, error.code) }
      digest.update(UnsafeRawBufferPointer(part))
      place += part.count
    }
    return hexadecimal(digest.finish())
  }

  /// Syncs the file and renames it to `final`.
  consuming func place(at final: String) throws(HubError) {
    guard fsync(descriptor) == 0 else { throw .system(final) }
    do throws(FileError) { try FileSystem.rename(path, to: final) } catch {
      throw HubError.system(final, error.code)
    }
  }

  /// Deletes the file.
  consuming func discard() { unlink(path) }
}
