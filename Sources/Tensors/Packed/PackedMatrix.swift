internal import CKernels

/// The matrix of a linear layer, `[rows, columns]`, rearranged once into the order in which a
/// product by its transpose reads it.
///
/// What was rearranged can be kept in a file: for every loaded matrix write its `format` and the
/// bytes that `withPackedBytes` lends, from an offset that is a multiple of 64 on; later map the file
/// as one `PackedRegion` and give every matrix its part with `load(_:from:at:)`, which copies nothing.
/// The bytes are this processor's (little-endian) and this version's: put both into the file's key.
///
/// While it is trained, a matrix is plain: an array of floats, row after row, that is not rearranged.
public struct PackedMatrix: Sendable {
  /// Number of rows: the outputs of the layer.
  public let rows: Int
  /// Number of columns: its inputs.
  public let columns: Int
  /// In which numbers it is kept rearranged; nil before it is loaded, and of a plain matrix.
  public var format: PackedFormat? { storage?.format }
  /// Whether a product by it rounds its other factor too, here or on another processor.
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

    /// In memory of its own.
    init(_ layout: PackedLayout, _ fill: (UnsafeMutableRawPointer) -> Void) {
      self.init(layout.format, PackedRegion(byteCount: layout.byteCount, fill), at: 0)
    }
  }

  /// A matrix whose numbers are still to be loaded.
  public init(rows: Int, columns: Int) {
    precondition(rows > 0 && columns > 0)
    self.rows = rows
    self.columns = columns
  }

  /// Whether it is kept as it is, row after row: to be trained.
  public var isPlain: Bool { plain != nil }

  /// Takes numbers, row after row, and keeps them as they are.
  public mutating func load(plain numbers: [Float]) {
    precondition(numbers.count == rows * columns)
    storage = nil
    plain = numbers
  }

  /// The numbers, row after row; none before they are loaded. Of a plain matrix it is the array
  /// itself, which can be changed where it lies and moved out; the matrix stays plain. Otherwise
  /// reading and writing rearranges all numbers, and what is written is kept in 32 bits.
  public var floats: [Float] {
    get { plain ?? (storage == nil ? [] : unpacked()) }
    _modify {
      if var numbers = plain {
        // The array has one owner while it is lent.
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

  /// Takes numbers, row after row, and keeps them in the given format, which is not `scaledBytes`:
  /// those are loaded as they are.
  public mutating func load(floats: [Float], as format: PackedFormat) {
    precondition(format != .scaledBytes, "bytes are loaded with their scales")
    // Sums of products of 7 bits fit 32.
    precondition(format != .integers || columns <= 1 << 17, "\(columns) columns are too many")
    let layout = PackedLayout(format, rows: rows, columns: columns)
    plain = nil
    storage = floats.withPointer(count: rows * columns) { weight in
      Storage(layout) { kernel_pack(weight, rows, columns, layout.panels(at: $0)) }
    }
  }

  /// Takes the numbers `bytes[row, column] · scales[row]`, and keeps them so.
  /// - Parameter bytes: Signed, row after row.
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

  /// Lends the numbers of a plain matrix.
  func withPlain<Result>(_ body: (UnsafePointer<Float>) -> Result) -> Result {
    guard let plain else { preconditionFailure("a \(rows)×\(columns) matrix that is not plain") }
    return plain.withPointer(count: rows * columns, body)
  }

  /// Lends the numbers of a plain matrix to be changed.
  mutating func withMutablePlain(_ body: (UnsafeMutablePointer<Float>) -> Void) {
    precondition(isPlain, "a \(rows)×\(columns) matrix that is not plain")
    floats.withMutablePointer(count: rows * columns, body)
  }

  /// Lends the rearranged numbers to a kernel.
  func withPanels<Result>(_ body: (kernel_panels) -> Result) -> Result {
    guard let storage else {
      preconditionFailure("a \(rows)×\(columns) matrix is used before it is loaded")
    }
    let layout = PackedLayout(storage.format, rows: rows, columns: columns)
    return storage.region.withBytes(storage.offset..<storage.offset + layout.byteCount) { bytes in
      guard let start = bytes.baseAddress else { preconditionFailure("a matrix of no bytes") }
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
  /// How many bytes a matrix of this shape takes in a format, a multiple of 64.
  public func packedByteCount(as format: PackedFormat) -> Int {
    PackedLayout(format, rows: rows, columns: columns).byteCount
  }

  /// Lends the rearranged numbers as bytes, to be written to a file; nil before they are loaded.
  public func withPackedBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result? {
    guard let storage else { return nil }
    let end = storage.offset + packedByteCount(as: storage.format)
    return try storage.region.withBytes(storage.offset..<end, body)
  }

  /// Uses what `withPackedBytes` lent for a matrix of this shape and format, where it lies now.
  /// Throws where the region is too short or the offset is not a multiple of 64. The numbers are
  /// taken as they are: whether they are the right ones is for a checksum to say.
  public mutating func load(
    _ format: PackedFormat, from region: PackedRegion, at offset: Int
  ) throws(PackedMatrixError) {
    let count = packedByteCount(as: format)
    guard offset >= 0, offset % 64 == 0, offset <= region.byteCount,
      region.byteCount - offset >= count
    else {
      throw PackedMatrixError(
        region.path ?? "packed weights",
        "\(count) bytes of a \(rows)×\(columns) matrix at \(offset) are not inside the file's "
          + "\(region.byteCount); delete it, it will be made again")
    }
    plain = nil
    storage = Storage(format, region, at: offset)
  }
}
