"""The bootstrapping of BLIP's section 3.3 on a small set: models trained on noisy captions, on those that the filter
keeps, and on the bootstrapped set, and the recall of each on held-out captions.

  python Benchmarks/captions/bootstrap.py BLIP START TRAIN DEV FOLDER [--pictures 1500] [--share 0.4]
      [--threshold 0.02] [--epochs 3]

START is the model to train; blip's default model captions and filters. TRAIN and DEV are folders with a
captions.json. The sets and runs are written to FOLDER.
"""
import argparse, json, os, subprocess
from sets import pairs_of, records, swapped

arguments = argparse.ArgumentParser()
for name in ("blip", "start", "train", "dev", "folder"):
    arguments.add_argument(name)
arguments.add_argument("--pictures", type=int, default=1500)
arguments.add_argument("--share", type=float, default=0.4)
arguments.add_argument("--threshold", type=float, default=0.02)
arguments.add_argument("--epochs", type=int, default=3)
given = arguments.parse_args()
os.makedirs(given.folder, exist_ok=True)
place = lambda name: os.path.join(given.folder, name)


def blip(*words):
    print("blip", *words, flush=True)
    subprocess.run([given.blip, *map(str, words)], check=True, stdout=subprocess.DEVNULL)


noisy, _ = swapped(pairs_of(records(f"{given.train}/captions.json")[:given.pictures]), given.share, 1)
json.dump([{"image": image, "caption": caption} for image, caption in noisy], open(place("noisy.json"), "w"))
at = ("--images", given.train, "--threshold", given.threshold)
if not os.path.exists(place("filtered.json")):
    blip("filter", place("noisy.json"), *at, "--kept", place("filtered.json"), "--dropped", place("dropped.jsonl"))
blip("capfilt", place("noisy.json"), *at, "--out", place("bootstrapped.json"))

recalls = {}
for name in ("start", "noisy", "filtered", "bootstrapped"):
    model = given.start
    if name != "start":
        model = place(f"{name}-run/last")
        if not os.path.exists(place(f"{name}-run/done")):
            blip("train", place(f"{name}.json"), "--images", given.train, "--init", given.start, "--out",
                 place(f"{name}-run"), "--epochs", given.epochs, "--lr", "5e-5")
            open(place(f"{name}-run/done"), "w").close()
    blip("bench", f"{given.dev}/captions.json", "--images", given.dev, "--model", model, "--rerank-depths", "0",
         "--json", place(f"{name}.bench.json"), "--work", place("work"))
    recalls[name] = json.load(open(place(f"{name}.bench.json")))
for name, found in recalls.items():
    pairs = "" if name == "start" else len(pairs_of(records(place(f"{name}.json"))))
    depth = found["depths"]["0"]
    print(f"{name:14}", pairs, {key: depth[key] for key in depth if key.startswith(("txt_r", "img_r", "r_mean"))})
