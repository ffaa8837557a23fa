"""Measures which near-identical pictures `blip duplicates` finds: variants are made of the first pictures of a folder,
and indexed with as many other pictures of it.

  python Benchmarks/alike/variants.py BLIP IMAGES FOLDER [--pictures 500] [--seed 1] [--json FILE]

FOLDER (new, or of an earlier run) receives the collection and its index. Needs Pillow.

A pair is a variant and its original. Recall is the share of such pairs that are in one group. Precision is the share
of true pairs among all pairs of pictures in one group; pairs of a picture and its mirrored variant are counted apart
and in neither. False pairs are listed: some pictures of a set may be near-identical themselves.
"""
import argparse, collections, itertools, json, os, random, re, subprocess, time
from PIL import Image, ImageEnhance

arguments = argparse.ArgumentParser()
arguments.add_argument("blip")
arguments.add_argument("images")
arguments.add_argument("folder")
arguments.add_argument("--pictures", type=int, default=500)
arguments.add_argument("--seed", type=int, default=1)
arguments.add_argument("--json")
given = arguments.parse_args()

draw = random.Random(given.seed)


def cropped(picture):
    """Nine tenths of the width and of the height, at a random place."""
    width, height = round(0.9 * picture.width), round(0.9 * picture.height)
    left, top = draw.randint(0, picture.width - width), draw.randint(0, picture.height - height)
    return picture.crop((left, top, left + width, top + height))


def side_cropped(picture):
    """A tenth cut off one side."""
    width, height = picture.size
    return picture.crop(draw.choice([
        (width // 10, 0, width, height), (0, 0, width - width // 10, height),
        (0, height // 10, width, height), (0, 0, width, height - height // 10)]))


VARIANTS = {
    "original": (lambda p: p, "jpg", dict(quality=90)),
    "half the size": (lambda p: p.resize((p.width // 2, p.height // 2), Image.LANCZOS), "jpg", dict(quality=90)),
    "quality 40": (lambda p: p, "jpg", dict(quality=40)),
    "cropped by 10 %": (cropped, "jpg", dict(quality=90)),
    "10 % off one side": (side_cropped, "jpg", dict(quality=90)),
    "20 % brighter": (lambda p: ImageEnhance.Brightness(p).enhance(1.2), "jpg", dict(quality=90)),
    "PNG": (lambda p: p, "png", {}),
    "WebP": (lambda p: p, "webp", dict(quality=75)),
    "mirrored": (lambda p: p.transpose(Image.FLIP_LEFT_RIGHT), "jpg", dict(quality=90)),
}

names = sorted(name for name in os.listdir(given.images) if name.endswith(".jpg"))[:2 * given.pictures]
collection, index = f"{given.folder}/pictures", f"{given.folder}/index"
if not os.path.exists(collection):
    os.makedirs(collection)
    for name in names[:given.pictures]:
        picture = Image.open(f"{given.images}/{name}").convert("RGB")
        for kind, (change, ending, options) in VARIANTS.items():
            stem = re.sub(r"\W+", "-", kind)
            change(picture).save(f"{collection}/{name[:-4]}.{stem}.{ending}", **options)
    for name in names[given.pictures:]:
        Image.open(f"{given.images}/{name}").convert("RGB").save(f"{collection}/{name[:-4]}.other.jpg", quality=90)
subprocess.run([given.blip, "index", collection, "--index", index, "--features", "none"], check=True,
               stdout=subprocess.DEVNULL)

start = time.monotonic()
output = subprocess.run([given.blip, "duplicates", "--index", index, "--json"], check=True, capture_output=True).stdout
seconds = time.monotonic() - start
groups = [[picture["path"] for picture in json.loads(line)["pictures"]] for line in output.splitlines()]

kind_of_stem = {re.sub(r"\W+", "-", kind): kind for kind in VARIANTS}
group_of = {path: number for number, group in enumerate(groups) for path in group}
found, total = collections.Counter(), collections.Counter()
for path in os.listdir(collection):
    name, stem, _ = path.split(".")
    kind = kind_of_stem.get(stem)
    if kind in (None, "original"): continue
    total[kind] += 1
    original = group_of.get(f"{name}.original.jpg")
    found[kind] += original is not None and group_of.get(path) == original
true, false = 0, []
for group in groups:
    for a, b in itertools.combinations(group, 2):
        (name_a, stem_a, _), (name_b, stem_b, _) = a.split("."), b.split(".")
        if name_a != name_b: false.append((a, b))
        elif "mirrored" not in (stem_a, stem_b): true += 1
recall = sum(found[kind] for kind in total if kind != "mirrored") / sum(
    total[kind] for kind in total if kind != "mirrored")
precision = true / max(true + len(false), 1)

print(f"{len(os.listdir(collection))} pictures, {len(groups)} groups, {seconds:.2f} s\n")
for kind in VARIANTS:
    if kind in total: print(f"{kind:20} {100 * found[kind] / total[kind]:6.1f} %")
print(f"\nrecall without the mirrored {recall:.4f}\nprecision {precision:.4f} ({true} true pairs, {len(false)} false)")
for a, b in sorted(set((a.split(".")[0], b.split(".")[0]) for a, b in false)): print(f"  {a}  {b}")
if given.json:
    json.dump(dict(pictures=given.pictures, seconds=seconds, recall=recall, precision=precision,
                   recalls={kind: found[kind] / total[kind] for kind in total}, false=false),
              open(given.json, "w"), indent=1)
