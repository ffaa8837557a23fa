"""Writes the texts of the default model's bank, which hubs are found by: captions of Flickr8k train, evenly
spaced, and the names of things in pictures; never Flickr8k dev.

  python bank_texts.py ../shared/data/flickr8k-train/captions.json ../shared/data/objects/labels.json texts.txt
  blip model calibrate MODEL ../shared/data/flickr8k-dev/captions.json --images ../shared/data/flickr8k-dev \
    --bank texts.txt
"""
import json, sys

CAPTIONS = 1100
train, labels, out = sys.argv[1:4]
captions = [c for row in json.load(open(train)) for c in ([row["caption"]] if isinstance(row["caption"], str) else row["caption"])]
names = sorted({row["label"] for row in json.load(open(labels))})
texts = [captions[i * len(captions) // CAPTIONS].strip() for i in range(CAPTIONS)] + names
texts = list(dict.fromkeys(t for t in texts if t))
open(out, "w").write("\n".join(texts) + "\n")
print(len(texts), "texts")
