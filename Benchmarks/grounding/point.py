"""The pointing game: whether what `blip explain` says of a noun phrase of a caption points at it.

  python Benchmarks/grounding/point.py BLIP --images ../shared/data/flickr8k-dev/images [--choose] [--json OUT]

A phrase points at the centre of the cell with the greatest mean weight of its words, stop words left out;
it hits if that lies in one of the boxes that were drawn for the phrase (phrases.tsv). Baselines: the centre
of the picture, and a point drawn at random, whose hit rate is the boxes' area. Half of the pictures (every
second one by name) choose the method; the other half is held out. --choose runs all single layers and ranges
of layers with both weightings, else only the default. Needs no packages.
"""
import argparse
import csv
import json
import os
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))


def phrases():
    """(picture, caption) -> [(phrase, start, boxes)]"""
    found = {}
    with open(os.path.join(HERE, "phrases.tsv"), encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            box = tuple(float(row[k]) for k in ("x0", "y0", "x1", "y1"))
            key = (row["picture"], row["caption"])
            found.setdefault(key, {}).setdefault((row["phrase"], int(row["start"])), []).append(box)
    return {key: [(p, s, boxes) for (p, s), boxes in value.items()] for key, value in found.items()}


def holds(boxes, x, y):
    return any(x0 <= x <= x1 and y0 <= y <= y1 for x0, y0, x1, y1 in boxes)


def area(boxes, steps=100):
    cells = [(i + 0.5) / steps for i in range(steps)]
    return sum(holds(boxes, x, y) for x in cells for y in cells) / steps ** 2


def point(explained, phrase, start):
    """The centre of the cell that the phrase's words point at; x and y from 0 to 1."""
    within = [w for w in explained["words"] if w["start"] >= start and w["end"] <= start + len(phrase)]
    words = [w for w in within if not w.get("stop_word")] or within
    if not words:
        return None
    weights = [sum(w["weights"][i] * w["strength"] for w in words) for i in range(len(words[0]["weights"]))]
    best = max(range(len(weights)), key=weights.__getitem__)
    columns, rows = explained["columns"], explained["rows"]
    return (best % columns + 0.5) / columns, (best // columns + 0.5) / rows


def run(blip, images, captions, options):
    """Hits by phrase, in order, and the mean seconds of a process."""
    hits, began = [], time.time()
    for (picture, caption), wanted in captions.items():
        command = [blip, "explain", os.path.join(images, picture), caption, "--json", "--precision", "fp32", *options]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        for phrase, start, boxes in wanted:
            place = point(json.loads(output), phrase, start)
            hits.append(place is not None and holds(boxes, *place))
    return hits, (time.time() - began) / len(captions)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("blip")
    arguments.add_argument("--images", required=True)
    arguments.add_argument("--choose", action="store_true")
    arguments.add_argument("--layers", type=int, default=6, help="of the model, for --choose")
    arguments.add_argument("--json")
    arguments = arguments.parse_args()
    captions = phrases()
    order = {picture: i for i, picture in enumerate(sorted({picture for picture, _ in captions}))}
    flat = [(order[picture] % 2, boxes) for (picture, _), wanted in captions.items() for _, _, boxes in wanted]

    results = []

    def report(name, scores, seconds=None):
        def mean(values):
            return round(100 * sum(values) / len(values), 1)
        row = {"method": name, "choosing": mean([s for s, (h, _) in zip(scores, flat) if h == 0]),
               "held_out": mean([s for s, (h, _) in zip(scores, flat) if h == 1]), "all": mean(scores)}
        if seconds is not None:
            row["seconds"] = round(seconds, 3)
        results.append(row)
        print(f"{name:26} {row['choosing']:9.1f} {row['held_out']:9.1f} {row['all']:6.1f}", flush=True)

    print(f"{len(flat)} phrases of {len(order)} pictures; hits in %\n{'method':26} {'choosing':>9} {'held out':>9} {'all':>6}")
    report("random point", [area(boxes) for _, boxes in flat])
    report("centre of the picture", [holds(boxes, 0.5, 0.5) for _, boxes in flat])
    hits, seconds = run(arguments.blip, arguments.images, captions, [])
    report("blip explain", hits, seconds)
    if arguments.choose:
        for weighting in ("gradient", "attention"):
            for first in range(arguments.layers):
                for last in range(first, arguments.layers):
                    hits, seconds = run(arguments.blip, arguments.images, captions,
                                        ["--layers", f"{first}-{last}", "--weighting", weighting])
                    report(f"{weighting}, layers {first}-{last}", hits, seconds)
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump({"phrases": len(flat), "pictures": len(order), "results": results}, file, indent=1)


if __name__ == "__main__":
    main()
