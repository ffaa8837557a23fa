"""Clustered unit vectors with their exact neighbours, as raw little-endian files.

  make_vectors.py FOLDER N                     makes FOLDER/clustered-N, or leaves it alone where it is whole
  make_vectors.py FOLDER NAME TEXTS PICTURES   makes FOLDER/NAME of real embeddings: of the texts of one
                                               `blip export`, asked for by the first 1,000 pictures of another

A mixture of Gaussians on the sphere, d = 256. 5,000 centres normalize(g · w), g ~ N(0, I), with a
decaying spectrum w_j ~ (j + 1)^-0.35 as embeddings have one; clusters of Zipf-like sizes (weights
(r + 10)^-0.7); a vector is normalize(centre + σ g · w) with σ ~ U(0.5, 0.9) of its cluster. Queries are
fresh vectors of 1.1 σ. Seed 7: the same vectors as ../shared/peers/gen_vectors.py makes.

  base.f32     [N, 256]        id = row
  queries.f32  [1000, 256]
  truth.i64    [1000, 100]     ids of the nearest by float64 inner product, nearest first
  scores.f64   [1000, 100]     their inner products
  and for the cost of updates: 10,000 vectors to add, as ids N and up, 10,000 ids of base to remove, and
  the neighbours once both are done:
  added.f32 [10000, 256], removed.i64 [10000], truth-updated.i64, scores-updated.f64
"""
import json, os, sys
import numpy as np

DIMENSION, CENTRES, QUERIES, UPDATES, DEEP = 256, 5000, 1000, 10_000, 100


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class Mixture:
    def __init__(self, seed=7):
        self.random = np.random.Generator(np.random.PCG64(seed))
        spectrum = (np.arange(DIMENSION) + 1.0) ** -0.35
        self.spectrum = (spectrum / np.linalg.norm(spectrum)).astype(np.float32)
        self.centres = unit(self.random.standard_normal((CENTRES, DIMENSION), dtype=np.float32) * self.spectrum)
        weights = 1 / (np.arange(CENTRES) + 10.0) ** 0.7
        self.weights = weights / weights.sum()
        self.spread = self.random.uniform(0.5, 0.9, CENTRES).astype(np.float32)

    def draw(self, count, wider=1.0):
        """[count, DIMENSION] float32"""
        clusters = self.random.choice(CENTRES, count, p=self.weights)
        rows = np.empty((count, DIMENSION), np.float32)
        for start in range(0, count, 50_000):
            some = clusters[start:start + 50_000]
            noise = self.random.standard_normal((len(some), DIMENSION), dtype=np.float32) * self.spectrum
            rows[start:start + 50_000] = unit(self.centres[some] + (wider * self.spread[some])[:, None] * noise)
        return rows


def nearest(queries, ids, rows):
    """The DEEP nearest of each query: chosen among twice as many by fp32, whose errors are far below the
    gap that this leaves, then ordered in float64; equal scores by id."""
    kept = [np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64)]
    for start in range(0, len(rows), 100_000):
        scores = queries @ rows[start:start + 100_000].T
        wide = min(2 * DEEP, scores.shape[1])
        best = np.argpartition(-scores, wide - 1, axis=1)[:, :wide]
        kept = [np.concatenate(pair, 1) for pair in zip(kept, (np.take_along_axis(scores, best, 1), best + start))]
        best = np.argsort(-kept[0], axis=1, kind="stable")[:, :2 * DEEP]
        kept = [np.take_along_axis(array, best, 1) for array in kept]
    truth, scores = np.empty((len(queries), DEEP), np.int64), np.empty((len(queries), DEEP))
    for i, places in enumerate(kept[1]):
        exact = rows[places].astype(np.float64) @ queries[i].astype(np.float64)
        best = np.lexsort((ids[places], -exact))[:DEEP]
        truth[i], scores[i] = ids[places[best]], exact[best]
    return truth, scores


def make(folder, count):
    os.makedirs(folder, exist_ok=True)
    mixture = Mixture()
    queries, base, added = mixture.draw(QUERIES, 1.1), mixture.draw(count), mixture.draw(UPDATES)
    removed = np.sort(mixture.random.choice(count, UPDATES, replace=False))
    save(folder, {"queries.f32": queries, "base.f32": base, "added.f32": added, "removed.i64": removed})
    truth, scores = nearest(queries, np.arange(count), base)
    save(folder, {"truth.i64": truth, "scores.f64": scores})
    kept = np.delete(np.arange(count), removed)
    ids = np.concatenate([kept, np.arange(count, count + UPDATES)])
    base = np.concatenate([base[kept], added])
    truth, scores = nearest(queries, ids, base)
    save(folder, {"truth-updated.i64": truth, "scores-updated.f64": scores})
    about(folder, count, QUERIES, UPDATES)


def take(folder, texts, pictures):
    """As `make`, of embeddings that are there; none to add or to remove."""
    base = np.load(os.path.join(texts, "text_emb/text_emb_0.npy")).astype(np.float32)
    queries = np.load(os.path.join(pictures, "img_emb/img_emb_0.npy"))[:QUERIES].astype(np.float32)
    truth, scores = nearest(queries, np.arange(len(base)), base)
    os.makedirs(folder, exist_ok=True)
    save(folder, {"base.f32": base, "queries.f32": queries, "truth.i64": truth, "scores.f64": scores})
    about(folder, len(base), len(queries), 0)


def save(folder, arrays):
    for name, array in arrays.items():
        np.ascontiguousarray(array).tofile(os.path.join(folder, name))


def about(folder, count, queries, updates):
    """Written last: the folder is whole."""
    json.dump({"count": count, "dimension": DIMENSION, "queries": queries, "deep": DEEP, "updates": updates},
              open(os.path.join(folder, "about.json"), "w"))


if __name__ == "__main__":
    cache, name = sys.argv[1:3]
    if len(sys.argv) == 5:
        take(os.path.join(cache, name), *sys.argv[3:])
    elif not os.path.exists(os.path.join(cache, f"clustered-{name}", "about.json")):
        make(os.path.join(cache, f"clustered-{name}"), int(name))
