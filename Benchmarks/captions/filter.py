"""Measures how well `blip filter` detects wrong captions: a seeded fraction of a set's captions is replaced by those
of other pictures. Reports precision and recall of the kept captions by threshold.

  python Benchmarks/captions/filter.py BLIP CAPTIONS IMAGES [--share 0.4] [--seed 1] [--json FILE]

CAPTIONS: a JSON list of {"image", "caption"}, or JSONL of the same (what `blip caption --out` wrote).
"""
import argparse, json, subprocess, tempfile
from sets import pairs_of, records, swapped

arguments = argparse.ArgumentParser()
arguments.add_argument("blip")
arguments.add_argument("captions")
arguments.add_argument("images")
arguments.add_argument("--share", type=float, default=0.4)
arguments.add_argument("--seed", type=int, default=1)
arguments.add_argument("--json")
given = arguments.parse_args()

pairs = pairs_of(records(given.captions))
noisy, is_true = swapped(pairs, given.share, given.seed)
noisy = [{"image": image, "caption": caption} for image, caption in noisy]
false = len(pairs) - sum(is_true)

with tempfile.TemporaryDirectory() as folder:
    json.dump(noisy, open(f"{folder}/noisy.json", "w"))
    subprocess.run([given.blip, "filter", f"{folder}/noisy.json", "--images", given.images, "--threshold", "0",
                    "--kept", f"{folder}/kept.jsonl", "--dropped", f"{folder}/dropped.jsonl"],
                   check=True, stdout=subprocess.DEVNULL)
    scored = [json.loads(line) for name in ("kept", "dropped") for line in open(f"{folder}/{name}.jsonl")]
match = {(line["image"], line["caption"]): line["probability"] for line in scored}
scores = [match[pair["image"], pair["caption"]] for pair in noisy]

rows = []
print(f"{len(pairs)} captions of {len(set(image for image, _ in pairs))} pictures, {false} of them swapped\n")
print("threshold  kept %  precision  recall  swapped dropped")
for threshold in (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5):
    kept = [true for true, score in zip(is_true, scores) if score > threshold]
    true = sum(kept)
    row = dict(threshold=threshold, kept=len(kept) / len(pairs), precision=true / max(len(kept), 1),
               recall=true / sum(is_true), dropped=1 - (len(kept) - true) / max(false, 1))
    rows.append(row)
    print(f"{threshold:9.3f}  {100 * row['kept']:6.1f}  {row['precision']:9.3f}  {row['recall']:6.3f}  {row['dropped']:15.3f}")
ordered = sorted(zip(scores, is_true))
below = ranks = 0
for score, true in ordered:
    if true: ranks += below
    else: below += 1
print(f"\narea under the ROC curve {ranks / (sum(is_true) * false):.3f}")
if given.json:
    json.dump(dict(share=given.share, seed=given.seed, pairs=len(pairs), rows=rows), open(given.json, "w"), indent=1)
