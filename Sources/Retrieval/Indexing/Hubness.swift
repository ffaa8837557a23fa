import BLIP
import Store
import Tensors

/// Gives every picture that lacks one a hubness, from its stored embedding: those of an index that an
/// earlier version or another bank made. Returns false if `shouldStop` ended it; the next run goes on.
/// - Parameter bank: The model's texts; nil takes away what there is.
func completeHubness(
  of store: IndexStore, by bank: TextBank?, shouldStop: () -> Bool
) throws -> Bool {
  if try store.read({ try $0.textBank() }) != bank?.digest {
    try store.write { try $0.replaceTextBank(by: bank?.digest) }
  }
  guard let bank else { return true }
  let missing = try store.read { try $0.picturesWithoutHubness() }
  let batch = 4096
  for start in stride(from: 0, to: missing.count, by: batch) {
    if shouldStop() { return false }
    let ids = missing[start...].prefix(batch)
    let embeddings = try store.read { snapshot in
      try ids.map { id in
        guard let embedding = try snapshot.embedding(picture: id) else {
          throw RetrievalError.damaged(store.path, "picture \(id) has no embedding")
        }
        return embedding
      }
    }
    let values = concurrentMap(embeddings) { bank.hubness(of: $0) }
    try store.write { change in
      for (id, hubness) in zip(ids, values) { try change.setHubness(hubness, of: id) }
    }
  }
  return true
}
