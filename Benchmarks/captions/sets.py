"""Reads captions files and adds noise to them."""
import json, random


def records(path):
    """A JSON list of {"image", "caption"}, where a caption may be a list, or JSONL of the same."""
    text = open(path).read()
    return json.loads(text) if text.lstrip().startswith("[") else [json.loads(line) for line in text.splitlines()]


def by_image(path):
    """The captions of each picture, by file name."""
    captions = {}
    for record in records(path):
        said = record["caption"]
        captions.setdefault(record["image"].split("/")[-1], []).extend([said] if isinstance(said, str) else said)
    return captions


def swapped(pairs, share, seed):
    """(image, caption) pairs with a fraction of the captions swapped, and which pairs are still correct."""
    draw = random.Random(seed)
    chosen = set(draw.sample(range(len(pairs)), round(share * len(pairs))))
    noisy = []
    for place, (image, caption) in enumerate(pairs):
        if place in chosen:
            other = image
            while other == image:
                other, caption = draw.choice(pairs)
        noisy.append((image, caption))
    return noisy, [place not in chosen for place in range(len(pairs))]


def pairs_of(records):
    return [(record["image"], caption) for record in records
            for caption in ([record["caption"]] if isinstance(record["caption"], str) else record["caption"])]
