internal import CKernels

/// The mean, over the rows of logits, of the cross entropy of their softmax; the logits become the
/// gradient of that mean.
/// - Parameters:
///   - targets: The class of every row.
///   - smoothing: ε: every class gets ε / classes of the target, and the row's own 1 − ε more.
public func crossEntropy(
  _ logits: inout Matrix, targets: [Int32], smoothing: Float = 0
) -> Double {
  precondition(targets.count == logits.rows)
  return crossEntropy(
    &logits, targets: targets[...], smoothing: smoothing, scale: 1 / Float(max(logits.rows, 1)))
    / Double(max(logits.rows, 1))
}

/// The same for soft targets, `[rows, classes]`, each row of which sums to 1.
public func crossEntropy(_ logits: inout Matrix, targets: Matrix) -> Double {
  let (rows, columns) = (logits.rows, logits.columns)
  precondition(targets.rows == rows && targets.columns == columns)
  guard rows > 0 else { return 0 }
  let sum = targets.withPointer { targets in
    sumOverRows(&logits) { row, logits in
      kernel_soft_cross_entropy(
        logits, targets + row * columns, columns, 1 / Float(rows))
    }
  }
  return sum / Double(rows)
}

/// The loss of a language model whose head is tied to its word embeddings: the mean over the rows of
/// the cross entropy of hidden · wordsᵀ + bias. Rows are taken in pieces whose logits fill 64 MB at
/// most.
public struct VocabularyLoss {
  /// `[classes, width]`, row-major.
  public let words: [Float]
  /// `[classes]`
  public let bias: [Float]
  /// The class of every row.
  public let targets: [Int32]
  /// ε, as of `crossEntropy`.
  public let smoothing: Float
  let rowsAtATime: Int

  /// The loss of rows with the given targets.
  public init(words: [Float], bias: [Float], targets: [Int32], smoothing: Float) {
    self.init(
      words: words, bias: bias, targets: targets, smoothing: smoothing,
      rowsAtATime: max(1, (16 << 20) / max(bias.count, 1)))
  }

  init(words: [Float], bias: [Float], targets: [Int32], smoothing: Float, rowsAtATime: Int) {
    self.words = words
    self.bias = bias
    self.targets = targets
    self.smoothing = smoothing
    self.rowsAtATime = rowsAtATime
  }

  /// The mean over the rows of hidden, `[n, width]`.
  public func callAsFunction(_ hidden: Matrix) -> Double {
    forEachPiece(of: hidden, weight: 1) { _, _ in }
  }

  /// The mean, with its gradients.
  /// - Parameters:
  ///   - hidden: `[n, width]`
  ///   - weight: What the gradients are multiplied by.
  ///   - dHidden: Becomes `[n, width]`.
  ///   - dWords: Is added to, as is `dBias`.
  /// - Returns: The mean, not multiplied by `weight`.
  public func callAsFunction(
    _ hidden: Matrix, weight: Float = 1, dHidden: inout Matrix, dWords: inout [Float],
    dBias: inout [Float]
  ) -> Double {
    let (width, classes) = (hidden.columns, bias.count)
    dHidden.reshape(rows: hidden.rows, columns: width)
    return forEachPiece(of: hidden, weight: weight) { first, dLogits in
      let rows = dLogits.rows
      dLogits.withPointer { dLogits in
        words.withPointer(count: classes * width) { words in
          dHidden.withMutablePointer {
            MatrixProduct(rows: rows, columns: width, depth: classes).inParallel(
              Block(dLogits, classes), Block(words, width),
              into: Block($0 + first * width, width))
          }
        }
        hidden.withPointer { hidden in
          dWords.withMutablePointer(count: classes * width) {
            MatrixProduct(
              rows: classes, columns: width, depth: rows, transposesA: true, accumulates: true
            ).inParallel(
              Block(dLogits, classes), Block(hidden + first * width, width),
              into: Block($0, width))
          }
        }
      }
      sumColumns(dLogits, into: &dBias)
    }
  }

  /// Computes the mean, and shows the gradient of the logits piece by piece, with its first row.
  private func forEachPiece(
    of hidden: Matrix, weight: Float, _ body: (_ first: Int, _ dLogits: Matrix) -> Void
  ) -> Double {
    let (width, classes) = (hidden.columns, bias.count)
    precondition(targets.count == hidden.rows)
    guard hidden.rows > 0 else { return 0 }
    let pieces = (hidden.rows + rowsAtATime - 1) / rowsAtATime
    var logits = Matrix()
    var loss = 0.0
    for piece in 0..<pieces {
      let first = hidden.rows * piece / pieces
      let rows = hidden.rows * (piece + 1) / pieces - first
      logits.reshape(rows: rows, columns: classes)
      hidden.withPointer { hidden in
        words.withPointer(count: classes * width) { words in
          bias.withPointer(count: classes) { bias in
            logits.withMutablePointer { logits in
              PlainProduct(rows: rows, inputs: width, outputs: classes)(
                hidden + first * width, words, bias: bias, into: logits)
            }
          }
        }
      }
      loss += crossEntropy(
        &logits, targets: targets[first..<first + rows], smoothing: smoothing,
        scale: weight / Float(hidden.rows))
      body(first, logits)
    }
    return loss / Double(hidden.rows)
  }
}

/// The sum of the cross entropies; the logits become `scale` times their gradient.
private func crossEntropy(
  _ logits: inout Matrix, targets: ArraySlice<Int32>, smoothing: Float, scale: Float
) -> Double {
  let columns = logits.columns
  precondition(smoothing >= 0 && smoothing < 1)
  precondition(targets.allSatisfy { $0 >= 0 && $0 < columns }, "an invalid target")
  return sumOverRows(&logits) { row, logits in
    kernel_cross_entropy(
      logits, columns, Int(targets[targets.startIndex + row]), smoothing, scale)
  }
}

/// Adds up what `body` returns for every row, in the order of the rows.
private func sumOverRows(
  _ x: inout Matrix, _ body: (Int, UnsafeMutablePointer<Float>) -> Double
) -> Double {
  var sums = [Double](repeating: 0, count: x.rows)
  x.withMutablePointer { [rows = x.rows, columns = x.columns] x in
    sums.withUnsafeMutableBufferPointer { sums in
      inParallel(rows: rows, operations: 32 * rows * columns) {
        for row in $0 { sums[row] = body(row, x + row * columns) }
      }
    }
  }
  return sums.reduce(0, +)
}
