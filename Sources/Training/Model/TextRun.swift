internal import BLIP
internal import Tensors

/// Texts on their way through the layers of the text side, in one of its three ways.
struct TextRun: Sendable {
  /// How the layers are run.
  struct Way: Sendable {
    /// Causal self-attention, the decoder's own.
    var isDecoder = false
    /// Row 0 of every text is all that is wanted of the last layer.
    var onlyFirst = false
    /// The picture that each text looks at, or each pair's; nil: no cross-attention.
    var pictures: [Int]?
    /// The text of each pair, where pairs are run: up to the first cross-attention a text is the same
    /// for every picture.
    var pairs: [Int]?
    var dropout: DropoutPlan?
  }

  /// What a layer was given and computed.
  struct Layer: Sendable {
    var x = Matrix()
    /// The rows of x that ask, where not all do.
    var asking: [Int]?
    var own: [AttentionSegment] = []
    var attention = BERTAttention.Activations()
    /// The rows of the self-attention's output that pairs are made of, in the layer that begins them.
    var pairs: [Int]?
    var looking: [AttentionSegment] = []
    var grounded = Matrix()
    var look = BERTAttention.Activations()
    var attended = Matrix()
    var feedForward = FeedForward.Activations()
  }

  let texts: [[Int32]]
  let way: Way
  /// What the norm of the embedding was given.
  var embedded = Matrix()
  /// Empty where nothing was kept.
  var layers: [Layer] = []
  /// `[Σ length, H]`, or row 0 of every text or pair.
  var output = Matrix()
}

extension Network {
  func run(
    _ texts: [[Int32]], _ way: TextRun.Way, cross: CrossTape? = nil, keeping: Bool
  ) -> TextRun {
    precondition((way.pictures == nil) == (cross == nil))
    var run = TextRun(texts: texts, way: way)
    var x = Matrix()
    run.embedded = text.embedding.words.rows(texts.joined().map(Int.init))
    text.embedding.addPositions(of: texts, to: &run.embedded)
    text.embedding.norm(run.embedded, into: &x)
    drop(&x, way.dropout?.at(.embedding))
    var segments = consecutiveRanges(texts.map(\.count))
    var layer = TextRun.Layer()
    for index in text.layers.indices {
      if keeping { layer = TextRun.Layer() }
      let onlyFirst = way.onlyFirst && index == text.layers.count - 1
      layer.x = x
      layer.asking = onlyFirst ? segments.map(\.lowerBound) : nil
      let asking = onlyFirst ? segments.indices.map { $0..<$0 + 1 } : segments
      layer.own = zip(asking, segments).map { AttentionSegment(queries: $0, keys: $1) }
      let attention = way.isDecoder ? decoder[index] : text.layers[index].attention
      attention.project(x, keys: &layer.attention.key, values: &layer.attention.value)
      attention(
        layer.asked, keys: layer.attention.key, values: layer.attention.value, layer.own,
        causal: way.isDecoder, dropout: way.ownDropout(index), &layer.attention)
      x = layer.attention.output
      segments = asking
      if let cross, let pictures = way.pictures {
        if index == 0, let pairs = way.pairs {
          let rows = pairs.map { segments[$0] }
          let indices = rows.flatMap(Array.init)
          layer.pairs = indices
          x = x.rows(indices)
          segments = consecutiveRanges(rows.map(\.count))
        }
        layer.grounded = x
        layer.looking = zip(segments, pictures).map {
          AttentionSegment(queries: $0, keys: cross.pictures[$1])
        }
        match.attention[index](
          x, keys: cross.layers[index].keys, values: cross.layers[index].values, layer.looking,
          dropout: way.lookDropout(index), &layer.look)
        x = layer.look.output
      }
      layer.attended = x
      text.layers[index].feedForward(
        x, keeping: keeping, dropout: way.dropout?.at(.feedForward, layer: index),
        &layer.feedForward)
      x = layer.feedForward.output
      if keeping { run.layers.append(layer) }
    }
    run.output = x
    return run
  }

  /// The way back from the output; what comes to keys and values of pictures is added to the cross
  /// tape.
  func backward(
    _ dOutput: Matrix, _ run: TextRun, cross: inout CrossTape, into gradient: inout Network
  ) {
    let way = run.way
    var (d, dx) = (dOutput, Matrix())
    for (index, layer) in run.layers.enumerated().reversed() {
      text.layers[index].feedForward.backward(
        &d, of: layer.attended, layer.feedForward,
        dropout: way.dropout?.at(.feedForward, layer: index),
        into: &gradient.text.layers[index].feedForward)
      if way.pictures != nil {
        cross.layers[index].backward(
          d, match.attention[index], layer, dropout: way.lookDropout(index),
          into: &gradient.match.attention[index], dx: &dx)
        swap(&d, &dx)
      }
      if let pairs = layer.pairs {
        var texts = Matrix(rows: layer.attention.output.rows, columns: d.columns)
        addRows(d, at: pairs, to: &texts)
        d = texts
      }
      if way.isDecoder {
        decoder[index].backward(
          &d, layer, causal: true, dropout: way.ownDropout(index), into: &gradient.decoder[index])
      } else {
        text.layers[index].attention.backward(
          &d, layer, causal: false, dropout: way.ownDropout(index),
          into: &gradient.text.layers[index].attention)
      }
    }
    drop(&d, way.dropout?.at(.embedding))
    text.embedding.norm.backward(
      d, of: run.embedded, into: &gradient.text.embedding.norm, dx: &dx)
    addRows(dx, at: run.texts.joined().map(Int.init), to: &gradient.text.embedding.words)
    addRows(
      dx, at: run.texts.flatMap { Array($0.indices) },
      to: &gradient.text.embedding.positionEmbedding)
  }
}

extension TextRun.Layer {
  /// The rows of x that ask.
  fileprivate var asked: Matrix { asking.map { x.rows($0) } ?? x }
}

extension BERTAttention {
  /// The way back through a layer's self-attention: d, the gradient of its output, becomes that of x.
  fileprivate func backward(
    _ d: inout Matrix, _ layer: TextRun.Layer, causal: Bool, dropout: AttentionDropout?,
    into gradient: inout BERTAttention
  ) {
    var dAsked = Matrix()
    var dKeys = Matrix(rows: layer.x.rows, columns: heads.width)
    var dValues = dKeys
    backward(
      d, of: layer.asked, keys: layer.attention.key, values: layer.attention.value,
      layer.attention, layer.own, causal: causal, dropout: dropout, into: &gradient, dx: &dAsked,
      dKeys: &dKeys, dValues: &dValues)
    if let asking = layer.asking {
      d = Matrix(rows: layer.x.rows, columns: layer.x.columns)
      addRows(dAsked, at: asking, to: &d)
    } else {
      d = dAsked
    }
    backward(dKeys: dKeys, dValues: dValues, of: layer.x, into: &gradient, dx: &d)
  }
}

extension CrossTape.Layer {
  /// The way back through a layer's cross-attention: dx becomes the gradient of what it was given,
  /// and that of keys and values is added to theirs.
  fileprivate mutating func backward(
    _ d: Matrix, _ attention: BERTAttention, _ layer: TextRun.Layer, dropout: AttentionDropout?,
    into gradient: inout BERTAttention, dx: inout Matrix
  ) {
    expectGradients()
    attention.backward(
      d, of: layer.grounded, keys: keys, values: values, layer.look, layer.looking, causal: false,
      dropout: dropout, into: &gradient, dx: &dx, dKeys: &dKeys, dValues: &dValues)
  }
}

extension TextRun.Way {
  fileprivate func ownDropout(_ layer: Int) -> AttentionDropout? {
    dropout.map {
      AttentionDropout(
        probabilities: $0.at(.probabilities, layer: layer), output: $0.at(.attention, layer: layer))
    }
  }

  fileprivate func lookDropout(_ layer: Int) -> AttentionDropout? {
    dropout.map {
      AttentionDropout(
        probabilities: $0.at(.lookProbabilities, layer: layer), output: $0.at(.look, layer: layer))
    }
  }
}
