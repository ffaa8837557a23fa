"""Checks `blip bench` on a set as large as COCO's test split, of random pictures and words, against NumPy and PyTorch.

  python at_scale.py make FOLDER [PICTURES] [CAPTIONS]     makes a seeded set: FOLDER/captions.json and its pictures
  python at_scale.py check BLIP FOLDER MODEL DEPTHS        runs BLIP's bench, recomputes the metrics, times PyTorch
The embeddings come from `blip export`, the match logits from the run's journal: the same scores are ranked by
blip_mini.metrics over the entire matrix. MODEL is the folder of a BLIP model with a vocab.txt.
"""
import glob, json, os, resource, shutil, subprocess, sys, time
import numpy as np, torch
from PIL import Image
import blip_mini


def make(folder, pictures=5000, captions=25000):
    os.makedirs(folder, exist_ok=True); draw = np.random.default_rng(7); words = open(os.path.join(os.path.dirname(__file__), "../../Sources/BLIP/Resources/blip-mini/vocab.txt")).read().split("\n")
    words = [w for w in words if w.isascii() and w.isalpha()][2000:6000]; rows = []
    for i in range(pictures):
        Image.fromarray(np.kron(draw.integers(0, 256, (4, 4, 3), np.uint8), np.ones((8, 8, 1), np.uint8))).save(f"{folder}/{i:05}.jpg", quality=90)
        count = captions * (i + 1) // pictures - captions * i // pictures
        rows.append({"image": f"{i:05}.jpg", "caption": [" ".join(draw.choice(words, draw.integers(5, 12))) for _ in range(count)]})
    json.dump(rows, open(f"{folder}/captions.json", "w"))


def journal(path, texts, pictures):
    """The match logits saved by a run, [texts, pictures]; PairJournal.swift describes the file's layout."""
    raw = open(path, "rb").read(); logits = np.full((texts, pictures), np.nan, np.float32); at = 40; pairs = 0
    while at < len(raw):
        picture, count = np.frombuffer(raw, "<u4", 2, at); row = np.frombuffer(raw, np.dtype([("text", "<u4"), ("no", "<f4"), ("match", "<f4")]), count, at + 8)
        assert np.isnan(logits[row["text"], picture]).all(), "a pair was scored twice"
        logits[row["text"], picture] = row["match"]; at += 16 + 12 * int(count); pairs += int(count)
    return logits, pairs


def check(blip, folder, model, depths):
    work, out = f"{folder}/work", f"{folder}/export"
    for old in (work, out): shutil.rmtree(old, ignore_errors=True)
    environment = {k: v for k, v in os.environ.items() if k != "OPENBLAS_CORETYPE"}
    found = json.loads(subprocess.run([blip, "bench", f"{folder}/captions.json", "--images", folder, "--model", model, "--work", work, "--rerank-depths", depths, "--itc-weight", "1", "--json", "-"], check=True, stdout=subprocess.PIPE, env=environment).stdout)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    subprocess.run([blip, "export", out, "--index", glob.glob(f"{work}/index-*")[0]], check=True, stdout=subprocess.DEVNULL)
    place = {r["image"]: i for i, r in enumerate(json.load(open(f"{folder}/captions.json")))}
    lines = [json.loads(l) for l in open(f"{out}/metadata/metadata_0.jsonl")]; texts = [json.loads(l) for l in open(f"{out}/text_metadata/text_metadata_0.jsonl")]
    rows = np.array([place[os.path.basename(l["image_path"])] for l in lines]); emb = np.load(f"{out}/img_emb/img_emb_0.npy")[np.argsort(rows)]
    owner = rows[[t["image_row"] for t in texts]]; order = np.argsort(owner, kind="stable"); owner = owner[order]
    te = np.load(f"{out}/text_emb/text_emb_0.npy")[order]
    sim = np.concatenate([(part.astype(np.float64) @ emb.T.astype(np.float64)).astype(np.float32) for part in np.array_split(te, 50)])
    logits, pairs = journal(glob.glob(f"{work}/pairs-*.journal")[0], *sim.shape); assert pairs == found["pairs_scored"]
    worst = 0
    for d in map(int, depths.split(",")):
        expected = blip_mini.metrics(sim, logits, owner, len(emb), d, found["model"]["itc_weight"])
        worst = max([worst] + [abs(v - found["depths"][str(d)][k]) for k, v in expected.items()])
        print("depth", d, {k: round(v, 3) for k, v in expected.items()}, flush=True)
    print(f"largest difference of a metric: {worst:.1e} points; {pairs} pairs, {1000 * found['scoring_seconds'] / pairs:.4f} ms each; peak {peak:.0f} MiB")
    m = blip_mini.Model(model); words = [t["caption"] for t in texts[:512]]; ids, att = m.ids(words); length = att.sum(1)
    keys = m.keys(torch.randn(1, 17, m.vision["hidden_size"])); torch.set_num_threads(os.cpu_count())
    with torch.no_grad():
        for run in range(3):
            started = time.time()
            for n in length.unique():
                m.match_picture(ids[length == n, :n], keys)
            print(f"PyTorch, 512 texts with one picture: {1000 * (time.time() - started) / 512:.4f} ms each")


if __name__ == "__main__":
    if sys.argv[1] == "make": make(sys.argv[2], *map(int, sys.argv[3:]))
    else: check(*sys.argv[2:])
