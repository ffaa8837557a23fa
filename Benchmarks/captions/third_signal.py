"""Measures whether a picture's synthetic caption helps to find it: the weighted cosine of query and caption (text-to-text
ITC) is added to the cosine of query and picture. Reports recall by weight, and on each half of the queries.

  blip caption IMAGES --out synthetic.jsonl
  python Benchmarks/captions/third_signal.py MODEL CAPTIONS.json synthetic.jsonl
"""
import os, sys
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../reference"))
from blip_mini import Model
from sets import by_image, pairs_of, records

WEIGHTS = (0, 0.1, 0.2, 0.3, 0.5, 0.75, 1)


def embed(model, texts):
    import torch
    ids, attention = model.ids(texts)
    length = attention.sum(1).numpy()
    found = None
    with torch.no_grad():
        for n in np.unique(length):
            for part in np.array_split(np.where(length == n)[0], np.sum(length == n) // 200 + 1):
                rows = model.embed(ids[part, :n], attention[part, :n]).numpy()
                found = np.zeros((len(texts), rows.shape[1]), np.float32) if found is None else found
                found[part] = rows
    return found


def main(folder, captions, synthetic):
    import torch
    model, rows, root = Model(folder), records(captions), os.path.dirname(captions)
    said = by_image(synthetic)
    with torch.no_grad():
        pictures = np.concatenate([
            model.image(torch.stack([model.pixels(os.path.join(root, row["image"])) for row in rows[i:i + 50]]))[1].numpy()
            for i in range(0, len(rows), 50)])
    place = {row["image"]: i for i, row in enumerate(rows)}
    pairs = pairs_of(rows)
    owner, queries = np.array([place[image] for image, _ in pairs]), embed(model, [text for _, text in pairs])
    spoken = embed(model, [said[row["image"].split("/")[-1]][0] for row in rows])
    to_pictures, to_captions = queries @ pictures.T, queries @ spoken.T
    print("weight  text to picture R@1 R@5 R@10 (first half, second half)   picture to text R@1 R@5 R@10")
    for weight in WEIGHTS:
        sum_ = to_pictures + weight * to_captions
        rank = (sum_ > sum_[np.arange(len(owner)), owner][:, None]).sum(1)
        halves = [rank[owner % 2 == half] for half in (0, 1)]
        own = np.where(owner[:, None] == np.arange(len(rows)), sum_, -np.inf).max(0)
        back = (sum_ > own).sum(0)
        show = lambda ranks: "  ".join(f"{100 * (ranks < k).mean():5.2f}" for k in (1, 5, 10))
        print(f"{weight:6}  {show(rank)}  ({show(halves[0])};  {show(halves[1])})   {show(back)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
