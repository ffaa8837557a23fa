"""blip's vector index and its peers, interleaved on the same vectors: queries a second at the recall
that each reaches, building, memory, and what updates cost.

  compare.py CACHE [--data clustered-100000] [--rounds 5] [--threads 1,2] [--ways single,batch]
    [--only NAME,...] [--skip NAME,...] [--updates] [--json FILE] [--svg FILE]

Each contestant is a process of its own that speaks the protocol of peers.py; blip's is the program
`vectors`: "blip" is the index that ships, an index directory, "memory" the same algorithm without a disk. First every setting's recall@10 is counted, here and by the same lines for all; then rounds in
which each runs in turn, alone, the quickest setting that reaches 0.95 and the quickest that reaches 0.99,
starting with another contestant each time. What a call from Python costs beside the search is measured
for each peer and taken off its single queries. --only and --skip take the beginnings of names.
"""
import argparse, json, os, statistics, sys, tempfile, time
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "../peers"))
import machine
from process import Contestant
from curves import draw
from peers import K, PEERS, Vectors
from report import print_building, print_machine, print_searches, print_updates

PROGRAM = os.path.join(HERE, "../.build/release/vectors")
OURS = {"blip exact": "stored exact", "blip lists": "stored lists",
        "memory exact": "memory exact", "memory lists": "memory lists"}
TARGETS = (0.95, 0.99)
ENOUGH = 0.997        # no setting above the first with such a recall is asked for
SWEEP_SECONDS = 4
SAMPLE_SECONDS = 0.25
PATIENCE = 3          # seconds: what takes longer is sampled once
DISTURBED = 0.1       # processors kept busy by others while a sample was taken


class Index(Contestant):
    """A program that searches vectors."""

    def __init__(self, name, vectors, cache):
        self.is_ours, self.queries, self.settings, self.overhead = name in OURS, len(vectors.queries), [], 0
        program = [PROGRAM, *OURS[name].split()] if self.is_ours else [sys.executable, os.path.join(HERE, "peers.py"), name]
        super().__init__(name, program + [vectors.folder, cache])

    def ask(self, request):
        return json.loads(self.answer(request))

    def count(self, way, seconds):
        """How many queries make a sample, where one takes so long."""
        return self.queries if way == "batch" else max(20, min(self.queries, int(SAMPLE_SECONDS / seconds)))

    def search(self, way, count):
        """Ids [count, K], and seconds for all of them."""
        with tempfile.NamedTemporaryFile() as file:
            took = self.ask(f"search {way} {count} {file.name}")
            return np.fromfile(file.name, np.int64).reshape(count, K), took

    def sample(self, way, count):
        """Queries a second, and whether others disturbed the sample."""
        before, own, start = machine.busy(), machine.spent(self.process.pid), time.monotonic()
        took = self.search(way, count)[1]
        own = machine.spent(self.process.pid) - own
        foreign = (machine.busy() - before - own) / (time.monotonic() - start)
        seconds = took["wall"] / count - (self.overhead if way == "single" else 0)
        return {"qps": 1 / seconds, "disturbed": foreign > DISTURBED}


def recall(found, truth):
    return float(np.mean([len(set(a) & set(b)) / K for a, b in zip(found, truth[:, :K])]))


def swept(contestant, vectors, truth, cache):
    """What each setting reaches: [{"setting", "recall", "seconds" a query}]. A peer's is kept beside
    its index, which does not change."""
    kept = os.path.join(cache, "indexes", f"{os.path.basename(vectors.folder)} {contestant.name}.recall.json".replace(" ", "-"))
    if not contestant.is_ours and os.path.exists(kept):
        return json.load(open(kept))
    rows, reached = [], {}
    for setting in contestant.ask("settings"):
        if reached.get(kind(setting), 0) >= ENOUGH:
            continue
        contestant.ask(f"set {setting}")
        found, took = contestant.search("single", 20)
        count = max(20, min(len(truth), int(SWEEP_SECONDS / took["wall"] * 20)))
        found, took = contestant.search("single", count)
        rows.append({"setting": setting, "recall": recall(found, truth), "seconds": took["wall"] / count})
        reached[kind(setting)] = rows[-1]["recall"]
    if not contestant.is_ours:
        json.dump(rows, open(kept, "w"))
    return rows


def quickest(settings, target):
    """Of each kind of settings the first that reaches it, and the quickest of those."""
    reached = {}
    for row in settings:
        if row["recall"] >= target:
            reached.setdefault(kind(row["setting"]), row)
    return min(reached.values(), key=lambda row: row["seconds"]) if reached else None


def kind(setting):
    """What belongs to a setting beside the number that is swept."""
    return setting.partition(" ")[2]


def measure(everyone, way, threads, rounds):
    """A row for each contestant and target: median and spread of queries a second."""
    rows, asked = [], []
    for contestant in everyone:
        contestant.ask(f"threads {threads}")
        chosen = {target: quickest(contestant.settings, target) for target in TARGETS}
        for target, setting in chosen.items():
            row = {"contestant": contestant.name, "way": way, "threads": threads, "target": target, "samples": []}
            rows.append(row)
            if setting is None:
                row["best"] = max(setting["recall"] for setting in contestant.settings)
                continue
            row |= {"setting": setting["setting"], "recall": setting["recall"]}
            twin = [other for other, _, _ in asked
                    if other["contestant"] == contestant.name and other["setting"] == row["setting"]]
            if twin:
                row["samples"] = twin[0]["samples"]  # the same setting reaches both targets
            else:
                asked.append((row, contestant, setting["seconds"]))
    for turn in range(rounds):
        for place in range(len(asked)):
            row, contestant, seconds = asked[(place + turn * len(TARGETS)) % len(asked)]
            count = contestant.count(way, seconds)
            if row["samples"] and count / row["samples"][0]["qps"] > PATIENCE:
                continue
            contestant.ask(f"set {row['setting']}")
            time.sleep(0.02)  # threads that spin for more work fall asleep
            contestant.search("single", 5)
            row["samples"].append(contestant.sample(way, count))
    for row in rows:
        each = [sample["qps"] for sample in row["samples"]]
        if each:
            row.update(median=statistics.median(each), spread=[min(each), max(each)])
    return rows


def timed_curves(everyone):
    """Queries a second of every setting, one thread, one query at a time."""
    for contestant in everyone:
        contestant.ask("threads 1")
        for row in contestant.settings:
            contestant.ask(f"set {row['setting']}")
            count = contestant.count("single", row["seconds"])
            row["qps"] = contestant.sample("single", count)["qps"]


def updated(contestant, vectors):
    """What 10,000 adds and 10,000 removals cost, and the recall then at each target's setting."""
    truth = vectors.ids("truth-updated.i64").reshape(len(vectors.queries), -1)
    contestant.ask("threads 2")
    figures = contestant.ask("update")
    figures |= {"contestant": contestant.name, "recall": {}}
    for target in TARGETS:
        setting = quickest(contestant.settings, target)
        if setting:
            contestant.ask(f"set {setting['setting']}")
            figures["recall"][target] = [setting["recall"], recall(contestant.search("batch", contestant.queries)[0], truth)]
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache")
    parser.add_argument("--data", default="clustered-100000")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--ways", default="single,batch")
    parser.add_argument("--only", default="")
    parser.add_argument("--skip", default="-")
    parser.add_argument("--updates", action="store_true")
    parser.add_argument("--json", help="index-DATA.bench.json in Benchmarks")
    parser.add_argument("--svg", help="index-DATA.svg in Benchmarks")
    a = parser.parse_args()
    a.json = a.json or os.path.join(HERE, "..", f"index-{a.data}.bench.json")
    a.svg = a.svg or os.path.join(HERE, "..", f"index-{a.data}.svg")
    vectors = Vectors(os.path.join(a.cache, a.data))
    truth = vectors.ids("truth.i64").reshape(len(vectors.queries), -1)
    names = [name for name in [*OURS, *PEERS] if name.startswith(tuple(a.only.split(","))) and not name.startswith(tuple(a.skip.split(",")))]
    result = {"machine": machine.description(), "data": a.data, "count": vectors.count, "searches": []}
    everyone = [Index(name, vectors, a.cache) for name in names]
    for contestant in everyone:
        contestant.building = contestant.ask("open") | {"contestant": contestant.name}
        contestant.ask("threads 1")
        contestant.settings = swept(contestant, vectors, truth, a.cache)
        contestant.overhead = contestant.ask("overhead")
        contestant.building |= {"resident": contestant.ask("peak"), "overhead": contestant.overhead}
    ours = [contestant for contestant in everyone if contestant.is_ours]
    result["machine"]["kernels"] = ours[0].ask("machine")["kernels"] if ours else None
    result["building"] = [contestant.building for contestant in everyone]
    print_machine(result["machine"], a.data)
    print_building(result["building"], vectors.count)
    for way in a.ways.split(","):
        for threads in map(int, a.threads.split(",")):
            rows = measure(everyone, way, threads, a.rounds) if a.rounds else []
            print_searches(rows, way, threads, OURS)
            result["searches"] += rows
    timed_curves(everyone)
    result["curves"] = {contestant.name: contestant.settings for contestant in everyone}
    draw(result["curves"], OURS, f"{vectors.count:,} vectors of {vectors.dimension}, one thread, one query at a time", a.svg)
    if a.updates:
        result["updates"] = [updated(contestant, vectors) for contestant in everyone if contestant.is_ours or a.updates == "all"]
        print_updates(result["updates"], result["building"])
    for contestant in everyone:
        contestant.end()
    with open(a.json, "w") as file:
        json.dump(result, file, indent=1, ensure_ascii=False)
    print(f"\nAs JSON: {os.path.normpath(a.json)}; the curves: {os.path.normpath(a.svg)}")


if __name__ == "__main__":
    main()
