internal import CKernels

/// The weight of a linear layer, `[rows, columns]`, packed once into the order in which a product
/// with its transpose reads it.
///
/// Packed weights can be stored in a file: write the `format` of each loaded matrix, and the bytes
/// from `withPackedBytes` at an offset that is a multiple of 64. Later, map the file as a
/// `PackedRegion` and load each matrix with `load(_:from:at:)`, which copies nothing. The bytes depend
/// on the byte order (little-endian) and the version of blip, so the file's name must include both.
///
/// For training, a matrix is plain: an array of floats, row by row, that is not packed.
public struct PackedMatrix: Sendable {
  /// Number of rows: the outputs of the layer.
  public let rows: Int
  /// Number of columns: its inputs.
  public let columns: Int
  /// The number format; nil before it is loaded, and for a plain matrix.
  public var format: PackedFormat? { storage?.format }
  /// Whether a product with it rounds the other factor too, here or on another processor.
  public var roundsFactors: Bool { format == .bfloat16 || format == .integers }
  private var storage: Storage?
  private var plain: [Float]?

  private struct Storage {
    let format: PackedFormat
    let region: PackedRegion
    let offset: Int

    init(_ format: PackedFormat, _ region: PackedRegion, at offset: Int) {
      self.format = format
      self.region = region
      self.offset = offset
    }

    /// In newly allocated memory.
    init(_ layout: PackedLayout, _ fill: (UnsafeMutableRawPointer) -> Void) {
      self.init(layout.format, PackedRegion(byteCount: layout.byteCount, fill), at: 0)
    }
  }

  /// A matrix whose numbers are not loaded yet.
  public init(rows: Int, columns: Int) {
    precondition(rows > 0 && columns > 0)
    self.rows = rows
    self.columns = columns
  }

  /// Whether it has numbers, plain or packed.
  public var isLoaded: Bool { storage != nil || isPlain }

  /// Whether it is plain, for training.
  public var isPlain: Bool { plain != nil }

  /// Loads numbers, row by row, as a plain matrix.
  public mutating func load(plain numbers: [Float]) {
    precondition(numbers.count == rows * columns)
    storage = nil
    plain = numbers
  }

  /// The numbers, row by row; empty before they are loaded. For a plain matrix it is the array
  /// itself, which can be modified in place or moved out; the matrix stays plain. Otherwise reading
  /// unpacks all numbers, and writing packs them as `float32`.
  public var floats: [Float] {
    get { plain ?? (storage == nil ? [] : unpacked()) }
    _modify {
      if var numbers = plain {
        // So that the array has a single owner while it is modified.
        plain = []
        defer { plain = numbers }
        yield &numbers
      } else {
        var numbers = storage == nil ? [] : unpacked()
        yield &numbers
        if numbers.isEmpty { storage = nil } else { load(floats: numbers, as: .float32) }
      }
    }
  }

  /// Loads numbers, row by row, in the given format, except `scaledBytes`, whose bytes are loaded as
  /// they are.
  public mutating func load(floats: [Float], as format: PackedFormat) {
    precondition(format != .scaledBytes, "scaled bytes need their scales")
    // So that sums of products of 7-bit integers fit in 32 bits.
    precondition(format != .integers || columns <= 1 << 17, "\(columns) columns are too many")
    let layout = PackedLayout(format, rows: rows, columns: columns)
    plain = nil
    storage = floats.withPointer(count: rows * columns) { weight in
      Storage(layout) { kernel_pack(weight, rows, columns, layout.panels(at: $0)) }
    }
  }

  /// Loads the numbers `bytes[row, column] · scales[row]` as `scaledBytes`.
  /// - Parameter bytes: Signed, row by row.
  public mutating func load(bytes: RawSpan, scales: [Float]) {
    precondition(bytes.byteCount == rows * columns && scales.count == rows)
    let layout = PackedLayout(.scaledBytes, rows: rows, columns: columns)
    plain = nil
    storage = bytes.withUnsafeBytes { bytes in
      guard let weight = bytes.assumingMemoryBound(to: Int8.self).baseAddress else { return nil }
      return Storage(layout) { start in
        let panels = layout.panels(at: start)
        kernel_pack_bytes(weight, rows, columns, panels.numbers)
        scales.withPointer(count: rows) { panels.scales.update(from: $0, count: rows) }
      }
    }
  }

  private func unpacked() -> [Float] {
    withPanels { panels in
      [Float](unsafeUninitializedCapacity: rows * columns) { weight, written in
        guard let start = weight.baseAddress else { return }
        kernel_unpack(panels, rows, columns, start)
        written = rows * columns
      }
    }
  }

  /// Calls `body` with the numbers of a plain matrix.
  func withPlain<Result>(_ body: (UnsafePointer<Float>) -> Result) -> Result {
    guard let plain else { preconditionFailure("a \(rows)×\(columns) matrix is not plain") }
    return plain.withPointer(count: rows * columns, body)
  }

  /// Calls `body` with the numbers, row by row, which a packed matrix unpacks for it.
  func withFloats<Result>(_ body: (UnsafePointer<Float>) -> Result) -> Result {
    guard !isPlain else { return withPlain(body) }
    precondition(isLoaded, "a \(rows)×\(columns) matrix is used before it is loaded")
    return unpacked().withPointer(count: rows * columns, body)
  }

  /// Calls `body` with the numbers of a plain matrix, to modify them.
  mutating func withMutablePlain(_ body: (UnsafeMutablePointer<Float>) -> Void) {
    precondition(isPlain, "a \(rows)×\(columns) matrix is not plain")
    floats.withMutablePointer(count: rows * columns, body)
  }

  /// Calls a kernel with the packed numbers.
  func withPanels<Result>(_ body: (kernel_panels) -> Result) -> Result {
    guard let storage else {
      preconditionFailure("a \(rows)×\(columns) matrix is used before it is loaded")
    }
    let layout = PackedLayout(storage.format, rows: rows, columns: columns)
    return storage.region.withBytes(storage.offset..<storage.offset + layout.byteCount) { bytes in
      guard let start = bytes.baseAddress else { preconditionFailure("a packed matrix is empty") }
      return body(layout.panels(at: start))
    }
  }
}

extension PackedMatrix {
  /// y [rows, self.rows] = x [rows, columns] · selfᵀ + bias, on one thread.
  func multiply(
    _ x: Block<UnsafePointer<Float>>, rows count: Int, bias: UnsafePointer<Float>? = nil,
    into y: Block<UnsafeMutablePointer<Float>>
  ) {
    let product = kernel_product(
      x: x.start, x_stride: x.stride, m: count, k: columns, n: rows, first_column: 0,
      end_column: rows, y: y.start, y_stride: y.stride)
    let epilogue = kernel_epilogue(bias: bias, addend: nil, activation: kernel_identity)
    withPanels { panels in
      withScratch(kernel_multiply_scratch(panels.format, columns)) {
        kernel_multiply(product, panels, epilogue, $0)
      }
    }
  }
}

// MARK: - Packed bytes in files

extension PackedMatrix {
  /// The size in bytes of a matrix of this shape in a format; a multiple of 64.
  public func packedByteCount(as format: PackedFormat) -> Int {
    PackedLayout(format, rows: rows, columns: columns).byteCount
  }

  /// Calls `body` with the packed bytes, to write them to a file; nil before they are loaded.
  public func withPackedBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result? {
    guard let storage else { return nil }
    let end = storage.offset + packedByteCount(as: storage.format)
    return try storage.region.withBytes(storage.offset..<end, body)
  }

  /// Uses the bytes that `withPackedBytes` gave for a matrix of this shape and format, in place.
  /// Throws if the region is too short or the offset is not a multiple of 64. The numbers are not
  /// checked: use a checksum.
  public mutating func load(
    _ format: PackedFormat, from region: PackedRegion, at offset: Int
  ) throws(PackedMatrixError) {
    let count = packedByteCount(as: format)
    guard offset >= 0, offset % 64 == 0, offset <= region.byteCount,
      region.byteCount - offset >= count
    else {
      throw PackedMatrixError(
        region.path ?? "packed weights",
        "too short for a \(rows)×\(columns) matrix: \(count) bytes at offset \(offset), but the file "
          + "has \(region.byteCount); delete it, and it will be rebuilt")
    }
    plain = nil
    storage = Storage(format, region, at: offset)
  }
}
