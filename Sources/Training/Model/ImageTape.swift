internal import BLIP
internal import Checkpoints
public import Tensors

/// What the image encoder made of a batch, with what its way back needs.
public struct ImageTape: Sendable {
  /// The pictures' patch features one behind the other, `[B · (1 + P), D]`; only [CLS] of each,
  /// `[B, D]`, where no more was asked for.
  public fileprivate(set) var features = Matrix()
  /// ITC embeddings, L2-normalised: `[B, 256]`.
  public fileprivate(set) var embeddings = Matrix()

  fileprivate let pictures: PictureBatch
  /// The pictures that are run together.
  fileprivate let chunks: [Range<Int>]
  /// What was kept of the only chunk; of several, each is run once more on the way back.
  fileprivate var kept: ImagePass?
  /// What the embeddings were before they were normalised, and the [CLS] they were projected from.
  fileprivate var projected = Matrix()
  fileprivate var classes = Matrix()

  fileprivate init(_ pictures: PictureBatch, chunks: [Range<Int>]) {
    self.pictures = pictures
    self.chunks = chunks
  }

  fileprivate mutating func append(_ rows: Matrix) {
    guard features.rows > 0 else { return features = rows }
    let count = features.rows + rows.rows
    var values: [Float] = []
    // Moved out, so that it grows in place.
    swap(&values, &features.values)
    values += rows.values
    features = Matrix(rows: count, columns: rows.columns, values: values)
  }
}

/// Some pictures on their way through the last layers of a stem, and the blocks.
private struct ImagePass {
  /// What each layer of the stem gave.
  var stem: [Matrix] = []
  /// What the first block was given.
  var x = Matrix()
  var blocks: [VisionBlock.Activations] = []
}

extension Network {
  /// What the activations of one batch may take before they are made twice instead of kept.
  private static let activationBytes = 1 << 30

  /// Encodes pictures.
  /// - Parameters:
  ///   - keeping: Whether there will be a way back.
  ///   - features: False where the embeddings alone are wanted, and no way back.
  public func encode(
    pictures: PictureBatch, keeping: Bool, features: Bool = true
  ) -> ImageTape {
    encode(
      pictures: pictures, keeping: keeping, features: features,
      activationBytes: Self.activationBytes)
  }

  func encode(
    pictures: PictureBatch, keeping: Bool, features: Bool, activationBytes: Int
  ) -> ImageTape {
    precondition(features || !keeping, "the way back begins at the features")
    let most = max(1, activationBytes / bytesOfAPicture)
    let chunks = stride(from: 0, to: pictures.count, by: most).map {
      $0..<min($0 + most, pictures.count)
    }
    var tape = ImageTape(pictures, chunks: chunks)
    for chunk in chunks {
      let keeping = keeping && chunks.count == 1
      let (pass, output) = run(pictures[chunk], onlyFirst: !features, keeping: keeping)
      var normed = Matrix()
      image.norm(output, into: &normed)
      if keeping { tape.kept = pass }
      tape.append(normed)
    }
    tape.classes = features ? tape.features.rows(classRows(pictures.count)) : tape.features
    image.projection(tape.classes, into: &tape.projected)
    normalizeRows(tape.projected, into: &tape.embeddings)
    return tape
  }

  /// Adds to the gradient what reaches the image encoder.
  /// - Parameters:
  ///   - features: The gradient of the tape's features; nil where nothing used them.
  ///   - embeddings: The gradient of the tape's embeddings; nil where nothing used them.
  public func backward(
    features: Matrix?, embeddings: Matrix?, _ tape: ImageTape, into gradient: inout Network
  ) {
    var d = features ?? Matrix(rows: tape.features.rows, columns: tape.features.columns)
    precondition(d.rows == tape.features.rows && d.columns == tape.features.columns)
    if let embeddings {
      var (dProjected, dClasses) = (Matrix(), Matrix())
      normalizeRowsBackward(embeddings, of: tape.projected, dx: &dProjected)
      image.projection.backward(
        dProjected, of: tape.classes, into: &gradient.image.projection, dx: &dClasses)
      addRows(dClasses, at: classRows(tape.pictures.count), to: &d)
    }
    for chunk in tape.chunks {
      let pictures = tape.pictures[chunk]
      let isWhole = tape.chunks.count == 1
      let pass = tape.kept ?? run(pictures, onlyFirst: false, keeping: true).pass
      let rows = chunk.lowerBound * image.tokens..<chunk.upperBound * image.tokens
      backward(isWhole ? d : d.rows(rows), pictures, pass, into: &gradient)
    }
  }

  /// The row of each picture's [CLS].
  private func classRows(_ pictures: Int) -> [Int] { (0..<pictures).map { $0 * image.tokens } }

  /// What keeping the activations of one picture takes.
  private var bytesOfAPicture: Int {
    let vision = configuration.vision
    // A block keeps two norms, queries, keys, values, context, two sums, and both sides of the GELU.
    let row = 8 * vision.hiddenSize + 2 * vision.intermediateSize
    let numbers = image.tokens * row * vision.layers + (stem?.numbersOfAPicture ?? 0)
    return numbers * MemoryLayout<Float>.stride
  }

  /// Runs pictures through what is trained of a stem, and all blocks.
  /// - Returns: What is kept of the pass, and the last block's output.
  private func run(
    _ pictures: PictureBatch, onlyFirst: Bool, keeping: Bool
  ) -> (pass: ImagePass, output: Matrix) {
    var (pass, patches) = (ImagePass(), Matrix())
    pass.stem = stem?(pictures.patches) ?? []
    image.patchEmbedding.product(pass.stem.last ?? pictures.patches, into: &patches)
    if !keeping { pass.stem = [] }
    image.embed(patches, pictures: pictures.count, into: &pass.x)
    var x = pass.x
    var activations = VisionBlock.Activations()
    for (index, block) in image.blocks.enumerated() {
      if keeping { activations = VisionBlock.Activations() }
      block(
        x, pictures: pictures.count, onlyFirst: onlyFirst && index == image.blocks.count - 1,
        keeping: keeping, &activations)
      if keeping {
        x = activations.output
        pass.blocks.append(activations)
      } else {
        swap(&x, &activations.output)
      }
    }
    return (pass, x)
  }

  private func backward(
    _ dy: Matrix, _ pictures: PictureBatch, _ pass: ImagePass, into gradient: inout Network
  ) {
    var d = Matrix()
    image.norm.backward(
      dy, of: pass.blocks.last?.output ?? pass.x, into: &gradient.image.norm, dx: &d)
    for index in image.blocks.indices.reversed() {
      image.blocks[index].backward(
        &d, of: index == 0 ? pass.x : pass.blocks[index - 1].output, pictures: pictures.count,
        pass.blocks[index], into: &gradient.image.blocks[index])
    }
    let classes = classRows(pictures.count)
    addRows(
      d, at: d.rowIndices.map { $0 % image.tokens }, to: &gradient.image.positionEmbedding)
    addRows(
      d.rows(classes), at: classes.map { _ in 0 }, to: &gradient.image.classEmbedding)
    let patches = d.rows(d.rowIndices.filter { $0 % image.tokens != 0 })
    guard let stem, let output = pass.stem.last else {
      return image.patchEmbedding.product.backward(
        patches, of: pictures.patches, into: &gradient.image.patchEmbedding.product)
    }
    var dStem = Matrix()
    image.patchEmbedding.product.backward(
      patches, of: output, into: &gradient.image.patchEmbedding.product, dx: &dStem)
    stem.backward(dStem, of: pictures.patches, pass.stem, into: &gradient.stem!)
  }
}

extension Matrix {
  fileprivate var rowIndices: Range<Int> { 0..<rows }
}
