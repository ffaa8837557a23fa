"""faiss, hnswlib and usearch as contestants: one index in a process of its own.

  peers.py NAME DATA CACHE       NAME of PEERS below, DATA a folder that make_vectors.py made

Asked by a line on stdin, answers by a line on stdout (JSON where it is more than a word):
  open            loads the index, or builds it and keeps it in CACHE -> {"wall", "processor" seconds of
                  the building, "bytes" of the index with what it needs of the vectors, "peak" bytes}
  settings        -> the settings to sweep, recall rising
  overhead        -> seconds that one call from Python costs beside the search: that of one vector
  threads COUNT   -> {}
  set SETTING     -> {}
  search single|batch COUNT FILE   the first COUNT queries, the 10 nearest of each; ids to FILE, int64
                  -> {"wall", "processor" seconds}
  update          adds and removes what the data folder says -> {"add", "remove" seconds}
  peak            -> bytes of memory that the process has had at most
It sleeps in between and ends with its stdin.
"""
import json, os, resource, sys, time
import numpy as np

K = 10
NPROBE = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
EF = (10, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768)
BUILDING_THREADS = 2
CHUNK = 20_000


class Vectors:
    def __init__(self, folder):
        about = json.load(open(os.path.join(folder, "about.json")))
        self.folder, self.count, self.dimension = folder, about["count"], about["dimension"]
        self.queries = self.rows("queries.f32")

    def rows(self, name):
        return np.fromfile(os.path.join(self.folder, name), np.float32).reshape(-1, self.dimension)

    def ids(self, name):
        return np.fromfile(os.path.join(self.folder, name), np.int64)


class Faiss:
    """An index that faiss's index_factory describes. A refining one has settings of two numbers: nprobe,
    and how many times K are rescored."""

    def __init__(self, factory, extension="faiss", refine=()):
        self.factory, self.extension, self.refine = factory, extension, refine

    def build(self, vectors, base):
        import faiss
        faiss.omp_set_num_threads(BUILDING_THREADS)
        lists = {10_000: 400, 100_000: 1264, 1_000_000: 4000}.get(vectors.count, int(4 * vectors.count ** 0.5))
        index = faiss.index_factory(vectors.dimension, self.factory.format(lists=lists), faiss.METRIC_INNER_PRODUCT)
        sample = base
        if vectors.count > 200_000:
            sample = base[np.random.default_rng(0).choice(vectors.count, 160_000, replace=False)]
        if hasattr(index, "hnsw"):
            index.hnsw.efConstruction = 200
        index.train(sample)
        for start in range(0, vectors.count, CHUNK):
            index.add(base[start:start + CHUNK])
            breathe()
        return index

    def save(self, index, path):
        import faiss
        faiss.write_index(index, path)

    def load(self, path, vectors):
        import faiss
        return faiss.read_index(path)

    def about(self):
        import faiss
        return f"faiss {faiss.__version__} ({faiss.get_compile_options().strip()})"

    def settings(self, index):
        if hasattr(index, "hnsw"):
            return [str(ef) for ef in EF]
        if self.refine:
            return [f"{probes} {factor}" for factor in self.refine for probes in NPROBE]
        return [str(probes) for probes in NPROBE] if hasattr(index, "nprobe") else ["exact"]

    def set(self, index, setting):
        import faiss
        if hasattr(index, "hnsw"):
            index.hnsw.efSearch = int(setting)
        elif self.refine:
            probes, factor = setting.split()
            faiss.extract_index_ivf(index).nprobe = int(probes)
            index.k_factor = float(factor)
        elif hasattr(index, "nprobe"):
            index.nprobe = int(setting)

    def threads(self, index, count):
        import faiss
        faiss.omp_set_num_threads(count)

    def search(self, index, queries):
        return index.search(queries, K)[1]

    def small(self, vectors):
        import faiss
        index = faiss.index_factory(vectors.dimension, "Flat", faiss.METRIC_INNER_PRODUCT)
        index.add(vectors.queries[:1])
        return index

    def add(self, index, ids, rows):
        index.add(rows)  # numbers them on from those it has

    def remove(self, index, ids):
        index.remove_ids(ids)


class HNSWLib:
    extension = "hnswlib"

    def _index(self, vectors):
        import hnswlib
        return hnswlib.Index("ip", vectors.dimension)

    def build(self, vectors, base):
        index = self._index(vectors)
        index.init_index(vectors.count, M=32, ef_construction=200, random_seed=1, allow_replace_deleted=True)
        index.set_num_threads(BUILDING_THREADS)
        for start in range(0, vectors.count, CHUNK):
            index.add_items(base[start:start + CHUNK])
            breathe()
        return index

    def save(self, index, path):
        index.save_index(path)

    def load(self, path, vectors):
        index = self._index(vectors)
        index.load_index(path, max_elements=vectors.count + 10_000, allow_replace_deleted=True)
        return index

    def about(self):
        from importlib.metadata import version
        return f"hnswlib {version('hnswlib')}, M 32, ef_construction 200"

    def settings(self, index):
        return [str(ef) for ef in EF]

    def set(self, index, setting):
        index.set_ef(int(setting))

    def threads(self, index, count):
        index.set_num_threads(count)

    def search(self, index, queries):
        return index.knn_query(queries, K)[0].astype(np.int64)

    def small(self, vectors):
        index = self._index(vectors)
        index.init_index(K, M=32)
        index.add_items(vectors.queries[:K])
        return index

    def add(self, index, ids, rows):
        index.add_items(rows, ids)

    def remove(self, index, ids):
        for id in ids:
            index.mark_deleted(id)


class USearch:
    def __init__(self, precision):
        self.precision, self.extension, self.count = precision, f"{precision}.usearch", 1

    def _index(self, vectors):
        from usearch.index import Index
        return Index(ndim=vectors.dimension, metric="ip", dtype=self.precision, connectivity=32, expansion_add=200)

    def build(self, vectors, base):
        index = self._index(vectors)
        for start in range(0, vectors.count, CHUNK):
            part = base[start:start + CHUNK]
            index.add(np.arange(start, start + len(part)), part, threads=BUILDING_THREADS)
            breathe()
        return index

    def save(self, index, path):
        index.save(path)

    def load(self, path, vectors):
        index = self._index(vectors)
        index.load(path)
        return index

    def about(self):
        from importlib.metadata import version
        return f"usearch {version('usearch')} {self.precision}, connectivity 32, expansion_add 200"

    def settings(self, index):
        return [str(ef) for ef in EF]

    def set(self, index, setting):
        index.expansion_search = int(setting)

    def threads(self, index, count):
        self.count = count

    def search(self, index, queries):
        if len(queries) == 1:
            return index.search(queries[0], K).keys.astype(np.int64)[None]
        return index.search(queries, K, threads=self.count).keys.astype(np.int64)

    def small(self, vectors):
        index = self._index(vectors)
        index.add(np.arange(K), vectors.queries[:K])
        return index

    def add(self, index, ids, rows):
        index.add(ids, rows, threads=self.count)

    def remove(self, index, ids):
        index.remove(ids)


PEERS = {
    "faiss Flat": Faiss("Flat"),
    "faiss IVF Flat": Faiss("IVF{lists},Flat"),
    "faiss IVF fp16": Faiss("IVF{lists},SQfp16"),
    "faiss IVF PQfs": Faiss("IVF{lists},PQ64x4fs,RFlat", refine=(4, 16)),
    "faiss IVF RaBitQ": Faiss("RR256,IVF{lists},RaBitQfs,RFlat", refine=(4, 16)),
    "faiss HNSW32": Faiss("HNSW32,Flat"),
    "hnswlib": HNSWLib(),
    "usearch f32": USearch("f32"),
    "usearch bf16": USearch("bf16"),
}


def breathe():
    """Called between the chunks of a building: a place to let others measure."""


def opened(name, vectors, cache):
    """The index, and what is known of its building."""
    peer = PEERS[name]
    folder = os.path.join(cache, "indexes")
    os.makedirs(folder, exist_ok=True)
    stem = os.path.join(folder, f"{os.path.basename(vectors.folder)} {name}".replace(" ", "-"))
    path, about = f"{stem}.{peer.extension}", f"{stem}.json"
    if not os.path.exists(about):
        base = vectors.rows("base.f32")
        wall, processor = time.perf_counter(), time.process_time()
        index = peer.build(vectors, base)
        figures = {"wall": time.perf_counter() - wall, "processor": time.process_time() - processor,
                   "peak": peak(), "about": peer.about()}
        peer.save(index, path)
        json.dump(figures | {"bytes": os.path.getsize(path)}, open(about, "w"))
        del index
    return peer, peer.load(path, vectors), json.load(open(about))


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def timed(body):
    wall, processor = time.perf_counter(), time.process_time()
    result = body()
    return result, {"wall": time.perf_counter() - wall, "processor": time.process_time() - processor}


def serve(name, data, cache):
    answers, sys.stdout = sys.stdout, sys.stderr
    vectors = Vectors(data)
    peer = index = None
    for line in sys.stdin:
        request, _, rest = line.strip().partition(" ")
        answer = {}
        if request == "open":
            peer, index, answer = opened(name, vectors, cache)
        elif request == "settings":
            answer = peer.settings(index)
        elif request == "overhead":
            small = peer.small(vectors)
            each = [timed(lambda: peer.search(small, vectors.queries[i:i + 1]))[1]["wall"] for i in range(1000)]
            answer = float(np.median(each))
        elif request == "threads":
            peer.threads(index, int(rest))
        elif request == "set":
            peer.set(index, rest)
        elif request == "search":
            way, count, path = rest.split(" ", 2)
            queries = vectors.queries[:int(count)]
            if way == "batch":
                found, answer = timed(lambda: peer.search(index, queries))
            else:
                found, answer = timed(lambda: [peer.search(index, queries[i:i + 1]) for i in range(len(queries))])
                found = np.concatenate(found)
            np.ascontiguousarray(found, np.int64).tofile(path)
        elif request == "update":
            added, removed = vectors.rows("added.f32"), vectors.ids("removed.i64")
            numbers = np.arange(vectors.count, vectors.count + len(added))
            answer = {"add": timed(lambda: peer.add(index, numbers, added))[1],
                      "remove": timed(lambda: peer.remove(index, removed))[1]}
        elif request == "peak":
            answer = peak()
        else:
            raise SystemExit(f"unknown request: {line}")
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    serve(*sys.argv[1:])
