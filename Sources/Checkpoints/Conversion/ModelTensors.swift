/// The model's tensors in a checkpoint, under Hugging Face's names: BLIP's original names are
/// translated, and training state and copies of tied tensors are omitted. The result does not
/// depend on the file format.
func modelTensors(
  _ stored: [String: StoredTensor], source: String
) throws(CheckpointError) -> [String: StoredTensor] {
  let isOriginal = stored.keys.contains { $0.hasPrefix(OriginalNames.imageEncoder) }
  var tensors: [String: StoredTensor] = [:]
  for (original, tensor) in stored where !isTrainingState(original) {
    let name = isOriginal ? OriginalNames.translated(original) : original
    // BLIP and Hugging Face tie the decoder's last layer to the word embeddings, whatever is
    // stored.
    if name.hasPrefix("text_decoder.cls.predictions.decoder.") { continue }
    guard tensors.updateValue(tensor, forKey: name) == nil else {
      throw CheckpointError(
        "\(source): tensor \"\(name)\" occurs twice, once under its original name")
    }
  }
  for name in tiedCopies(tensors) { tensors[name] = nil }
  return tensors
}

/// Whether a tensor is needed only in training: momentum copies (`text_encoder_m.…`,
/// `vision_proj_m.…`), queues and their pointers, and buffers of position ids.
private func isTrainingState(_ name: String) -> Bool {
  let parts = name.split(separator: ".")
  guard let first = parts.first, let last = parts.last else { return false }
  return first.hasSuffix("_m") || last.hasSuffix("_queue") || last == "queue_ptr"
    || last == "ptr_queue" || last == "position_ids"
}

/// The decoder's copies of tensors that it shares with the image-grounded encoder: all but
/// self-attention. Empty if any of them differs, because then the two were not tied.
private func tiedCopies(_ tensors: [String: StoredTensor]) -> [String] {
  let (encoder, decoder) = ("text_encoder.", "text_decoder.bert.")
  var copies: [String] = []
  for (name, tensor) in tensors where name.hasPrefix(decoder) && !name.contains(".attention.") {
    guard let shared = tensors[encoder + name.dropFirst(decoder.count)] else { continue }
    guard tensor.equals(shared) else { return [] }
    copies.append(name)
  }
  return copies
}

/// Translates BLIP's original tensor names (salesforce/BLIP, `models/vit.py`, from timm) to Hugging
/// Face's. Names of the text encoder, decoder and heads are the same in both.
enum OriginalNames {
  static let imageEncoder = "visual_encoder."

  private static let embeddings = [
    "patch_embed.proj.weight": "patch_embedding.weight",
    "patch_embed.proj.bias": "patch_embedding.bias",
    "cls_token": "class_embedding",
    "pos_embed": "position_embedding",
  ]

  private static let blockParts = [
    "norm1": "layer_norm1", "attn.qkv": "self_attn.qkv", "attn.proj": "self_attn.projection",
    "norm2": "layer_norm2", "mlp.fc1": "mlp.fc1", "mlp.fc2": "mlp.fc2",
  ]

  /// Hugging Face's name; an unknown name is unchanged, and is later rejected as not part of the
  /// model.
  static func translated(_ name: String) -> String {
    guard name.hasPrefix(imageEncoder) else { return name }
    let rest = String(name.dropFirst(imageEncoder.count))
    if let embedding = embeddings[rest] { return "vision_model.embeddings.\(embedding)" }
    let parts = rest.split(separator: ".").map(String.init)
    if parts.count == 2, parts[0] == "norm" { return "vision_model.post_layernorm.\(parts[1])" }
    guard parts.count >= 4, parts[0] == "blocks", let index = Int(parts[1]),
      let part = blockParts[parts[2..<parts.count - 1].joined(separator: ".")]
    else { return name }
    return "vision_model.encoder.layers.\(index).\(part).\(parts[parts.count - 1])"
  }
}
