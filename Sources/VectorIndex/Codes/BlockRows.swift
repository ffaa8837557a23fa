/// A block being made or changed: its vectors one after the other.
struct BlockRows {
  private let dimension: Int
  private var norm: Float = 0
  private var centroidNorm: Float
  private var ids: [UInt64] = []
  private var steps: [Float] = []
  private var coarseErrors: [UInt16] = []
  private var fineErrors: [UInt16] = []
  /// `depth` / 2 bytes a vector.
  private var upper: [UInt8] = []
  private var lower: [UInt8] = []

  private var half: Int { Code.depth(dimension) / 2 }

  init(dimension: Int, centroid: [Float]?) throws(VectorError) {
    guard 1...BlockLayout.greatestDimension ~= dimension else {
      throw VectorError(description: "vectors of \(dimension) numbers")
    }
    self.dimension = dimension
    let length = (centroid ?? []).reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    guard length <= Code.longest else {
      throw VectorError(description: "a centroid whose numbers are not finite, or huge")
    }
    centroidNorm = centroid == nil ? 0 : Float(length).nextUp
  }

  /// The rows of a block that is there.
  init(_ block: RawSpan) throws(VectorError) {
    self = try block.withUnsafeBytes { bytes throws(VectorError) in
      let view = try BlockView(bytes)
      try view.verify()
      var rows = try BlockRows(dimension: view.dimension, centroid: nil)
      rows.norm = Float(view.norm)
      rows.centroidNorm = Float(view.centroidNorm)
      view.copyCodes(upper: &rows.upper, lower: &rows.lower)
      for index in 0..<view.count {
        rows.ids.append(view.id(index))
        rows.steps.append(view.step(index))
        rows.coarseErrors.append(view.coarseError(index).bits)
        rows.fineErrors.append(view.fineError(index).bits)
      }
      return rows
    }
  }

  private mutating func withCode<E: Error>(
    _ index: Int,
    _ body: (UnsafeMutableBufferPointer<UInt8>, UnsafeMutableBufferPointer<UInt8>) throws(E) -> Void
  ) throws(E) {
    let range = index * half..<(index + 1) * half
    try upper.withUnsafeMutableBufferPointer { upper throws(E) in
      try lower.withUnsafeMutableBufferPointer { lower throws(E) in
        try body(
          UnsafeMutableBufferPointer(rebasing: upper[range]),
          UnsafeMutableBufferPointer(rebasing: lower[range]))
      }
    }
  }

  mutating func append(ids added: [UInt64], vectors: [Float], centroid: [Float]?)
    throws(VectorError)
  {
    // The dimension may be a damaged block's.
    guard vectors.count == added.count * dimension, (centroid?.count ?? dimension) == dimension
    else {
      throw VectorError(
        description: "a block of \(dimension)-dimensional vectors, where others are to be added")
    }
    guard ids.count + added.count <= VectorBlock.greatestCount else {
      throw VectorError(description: "\(ids.count + added.count) vectors in a block")
    }
    upper.append(contentsOf: repeatElement(0, count: added.count * half))
    lower.append(contentsOf: repeatElement(0, count: added.count * half))
    let dimension = dimension
    for (row, id) in added.enumerated() {
      let index = ids.count
      var code: Code?
      try withCode(index) { upper, lower throws(VectorError) in
        code = try vectors.withUnsafeBufferPointer { vectors throws(VectorError) in
          try Code(
            UnsafeBufferPointer(rebasing: vectors[row * dimension..<(row + 1) * dimension]),
            centroid: centroid, upper: upper, lower: lower)
        }
      }
      ids.append(id)
      steps.append(code!.step)
      coarseErrors.append(code!.coarseError.bits)
      fineErrors.append(code!.fineError.bits)
      norm = max(norm, Float(code!.norm).nextUp)
    }
  }

  mutating func remove(_ removed: Set<UInt64>) {
    let kept = ids.indices.filter { !removed.contains(ids[$0]) }
    func codes(_ plane: [UInt8]) -> [UInt8] {
      var codes: [UInt8] = []
      codes.reserveCapacity(kept.count * half)
      for index in kept { codes += plane[index * half..<(index + 1) * half] }
      return codes
    }
    (upper, lower) = (codes(upper), codes(lower))
    steps = kept.map { steps[$0] }
    coarseErrors = kept.map { coarseErrors[$0] }
    fineErrors = kept.map { fineErrors[$0] }
    ids = kept.map { ids[$0] }
  }

  func bytes() throws(VectorError) -> [UInt8] {
    let layout = BlockLayout(dimension: dimension, count: ids.count)
    return [UInt8](unsafeUninitializedCapacity: layout.size) { buffer, initialized in
      buffer.initialize(repeating: 0)
      let block = UnsafeMutableRawBufferPointer(buffer)
      func store<T: FixedWidthInteger>(_ value: T, at offset: Int) {
        block.storeBytes(of: value.littleEndian, toByteOffset: offset, as: T.self)
      }
      store(BlockLayout.magic, at: 0)
      store(UInt32(dimension), at: 4)
      store(UInt32(ids.count), at: 8)
      store(norm.bitPattern, at: 16)
      store(centroidNorm.bitPattern, at: 20)
      for index in ids.indices {
        store(ids[index], at: layout.ids + 8 * index)
        store(steps[index].bitPattern, at: layout.steps + 4 * index)
        store(coarseErrors[index], at: layout.coarseErrors + 2 * index)
        store(fineErrors[index], at: layout.fineErrors + 2 * index)
        upper.withUnsafeBytes { upper in
          for chunk in 0..<half / 4 {
            block.storeBytes(
              of: upper.loadUnaligned(fromByteOffset: index * half + 4 * chunk, as: UInt32.self),
              toByteOffset: layout.upper(index, chunk: chunk), as: UInt32.self)
          }
        }
      }
      lower.withUnsafeBytes {
        UnsafeMutableRawBufferPointer(rebasing: block[layout.lower...]).copyMemory(from: $0)
      }
      store(BlockView.checksum(of: UnsafeRawBufferPointer(block)), at: BlockLayout.checksum)
      initialized = layout.size
    }
  }
}
