internal import BLIP
internal import Dispatch
internal import Files
internal import Glibc
internal import Synchronization
internal import Tensors

/// The layout of a stem cache's file: 64 bytes of magic, format and key; a byte for each picture with
/// its state; from a page boundary on the views, `[side · side, channels]` of bfloat16 each.
struct StemCacheLayout: Sendable {
  let key: [UInt8]
  let pictures, views, side, channels: Int

  static let magic = Array("blip stem cache 1\n".utf8)
  static let statesOffset = 64

  /// The first bytes of the file.
  var header: [UInt8] {
    let filled = Self.magic + key
    return filled + [UInt8](repeating: 0, count: Self.statesOffset - filled.count)
  }

  var viewBytes: Int { side * side * channels * 2 }
  private var dataOffset: Int { (Self.statesOffset + pictures + 4095) / 4096 * 4096 }
  func offset(picture: Int, view: Int) -> Int { dataOffset + (picture * views + view) * viewBytes }
  var byteCount: Int { offset(picture: pictures, view: 0) }
}

/// The state of a picture in the file.
private enum PictureState: UInt8 {
  case missing = 0
  case done = 1
  case unreadable = 2
}

/// Fills the file of a stem cache, continuing an earlier run.
final class StemCacheMaker: Sendable {
  private let path: String
  private let layout: StemCacheLayout
  private let descriptor: Int32
  private let report: @Sendable (StemCache.Event) -> Void
  private let progress: Mutex<Progress>

  private struct Progress {
    var states: [UInt8]
    /// Pictures that are written but may not be on the disk yet.
    var unmarked: [Int] = []
    var failure: (any Error)?
  }

  /// Opens the file, or starts a new one if it is another cache's. All its space is allocated here, so
  /// that a full disk is noticed before the work and not half-way.
  init(
    path: String, layout: StemCacheLayout, report: @escaping @Sendable (StemCache.Event) -> Void
  ) throws(TrainingError) {
    self.path = path
    self.layout = layout
    self.report = report
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw Self.failure(path, errno) }
    var states = [UInt8](repeating: 0, count: layout.pictures)
    var header = [UInt8](repeating: 0, count: StemCacheLayout.statesOffset)
    var facts = stat()
    // The rest of a shorter file stays 0, which is not a valid header.
    guard fstat(descriptor, &facts) == 0, pread(descriptor, &header, header.count, 0) >= 0 else {
      throw Self.failure(path, errno)
    }
    let isKnown = Int(facts.st_size) == layout.byteCount && header == layout.header
    if isKnown {
      let offset = StemCacheLayout.statesOffset
      guard pread(descriptor, &states, states.count, offset) == states.count else {
        throw Self.failure(path, errno)
      }
    } else if facts.st_size > 0 {
      guard header.starts(with: StemCacheLayout.magic) else {
        close(descriptor)
        throw TrainingError("\(path): not a stem cache; use another file")
      }
      report(
        .note("\(path) was built for another model, other pictures or settings: rebuilding it"))
    }
    progress = Mutex(Progress(states: states))
    if !isKnown { try begin() }
  }

  deinit { close(descriptor) }

  private func begin() throws(TrainingError) {
    guard ftruncate(descriptor, 0) == 0 else { throw Self.failure(path, errno) }
    let refused = posix_fallocate(descriptor, 0, layout.byteCount)
    guard refused == 0 else {
      ftruncate(descriptor, 0)
      throw TrainingError(
        "\(path): cannot allocate \(layout.byteCount >> 20) MiB for the stem's output: "
          + "\(String(cString: strerror(refused))); free some space, or use fewer views",
        remedy: .fewerViews)
    }
    let header = layout.header
    guard pwrite(descriptor, header, header.count, 0) == header.count else {
      throw Self.failure(path, errno)
    }
  }

  /// The pictures that could not be read.
  var unreadable: Set<Int> {
    progress.withLock { progress in
      Set(
        progress.states.indices.filter {
          progress.states[$0] == PictureState.unreadable.rawValue
        })
    }
  }

  /// Computes the views of every missing picture, on all cores; false if it was stopped. If `views`
  /// throws, the error is reported and the picture left out.
  func fill(
    _ views: @escaping @Sendable (Int) throws -> [Matrix],
    describe: @escaping @Sendable (Int) -> String, shouldStop: @escaping @Sendable () -> Bool
  ) throws -> Bool {
    let missing = progress.withLock { progress in
      progress.states.indices.filter { progress.states[$0] == PictureState.missing.rawValue }
    }
    guard !missing.isEmpty else { return true }
    // Each thread works on pictures of its own.
    setComputeThreads(1)
    defer { setComputeThreads(processors) }
    let next = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: processors) { _ in
      while !shouldStop(), self.progress.withLock({ $0.failure == nil }) {
        let turn = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard turn < missing.count else { return }
        let picture = missing[turn]
        let outcome = Result { try views(picture) }
        self.take(outcome, of: picture, describe)
      }
    }
    return try progress.withLock { progress in
      if let failure = progress.failure { throw failure }
      try mark(&progress)
      return !progress.states.contains(PictureState.missing.rawValue)
    }
  }

  /// Pictures are marked as done in groups of this size, once their bytes are on the disk.
  private static let step = 100

  private func take(
    _ outcome: Result<[Matrix], any Error>, of picture: Int, _ describe: (Int) -> String
  ) {
    var refused: Int32?
    if case .success(let views) = outcome {
      for (view, rows) in views.enumerated() where refused == nil {
        refused = write(rows, at: layout.offset(picture: picture, view: view))
      }
    }
    progress.withLock { progress in
      if let refused {
        progress.failure = Self.failure(path, refused)
      } else if case .failure(let error) = outcome {
        progress.states[picture] = PictureState.unreadable.rawValue
        report(.failed(describe(picture), "\(error)"))
      } else {
        progress.states[picture] = PictureState.done.rawValue
      }
      progress.unmarked.append(picture)
      do { if progress.unmarked.count >= Self.step { try mark(&progress) } } catch {
        progress.failure = error
      }
      let done = progress.states.count { $0 != PictureState.missing.rawValue }
      report(.progress(done: done, of: layout.pictures))
    }
  }

  private func mark(_ progress: inout Progress) throws(TrainingError) {
    guard fdatasync(descriptor) == 0 else { throw Self.failure(path, errno) }
    for picture in progress.unmarked {
      let offset = StemCacheLayout.statesOffset + picture
      guard pwrite(descriptor, [progress.states[picture]], 1, offset) == 1 else {
        throw Self.failure(path, errno)
      }
    }
    progress.unmarked = []
  }

  /// Writes a view as bfloat16, rounded to nearest even; returns errno if that fails.
  private func write(_ rows: Matrix, at offset: Int) -> Int32? {
    precondition(rows.rows == layout.side * layout.side && rows.columns == layout.channels)
    let halves = rows.values.map { value in
      let bits = value.bitPattern
      return UInt16((bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16).littleEndian
    }
    do throws(FileError) {
      try halves.withUnsafeBufferPointer { halves throws(FileError) in
        try FileSystem.write(UnsafeRawBufferPointer(halves), to: descriptor, at: offset)
      }
      return nil
    } catch { return error.code }
  }

  private static func failure(_ path: String, _ code: Int32) -> TrainingError {
    TrainingError("\(path): cannot be written: \(String(cString: strerror(code)))")
  }
}
