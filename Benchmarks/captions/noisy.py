"""Captions of which a seeded share belongs to other pictures."""
import random


def swapped(pairs, share, seed):
    """(image, caption) pairs with a share of the captions swapped, and which ones are still true."""
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
