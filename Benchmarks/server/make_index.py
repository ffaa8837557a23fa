"""An index of many pictures for the server's benchmark: real pictures, hard-linked under new names, and their real
embeddings, each with seeded noise of a length that near-identical pictures have.

  python make_index.py BLIP PICTURES COUNT FOLDER

BLIP indexes PICTURES once (FOLDER/source), exports that, and imports the copies (FOLDER/index; FOLDER/export has the same
vectors for the peers)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy


def main(blip, pictures, count, folder):
    folder = Path(folder).resolve()
    pictures = Path(pictures).resolve()
    if (folder / "index" / "data.mdb").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run([blip, "index", str(pictures), "--index", str(folder / "source")], check=True)
    subprocess.run([blip, "export", str(folder / "original"), "--index", str(folder / "source")], check=True)
    vectors = numpy.load(folder / "original/img_emb/img_emb_0.npy")
    rows = [json.loads(line) for line in open(folder / "original/metadata/metadata_0.jsonl")]
    generator = numpy.random.default_rng(1)
    copies = vectors[numpy.arange(count) % len(vectors)]
    noise = generator.standard_normal(copies.shape, dtype=numpy.float32)
    noise *= 0.35 / numpy.linalg.norm(noise, axis=1, keepdims=True)
    noise[: len(vectors)] = 0
    copies = copies + noise
    copies /= numpy.linalg.norm(copies, axis=1, keepdims=True)
    collection = folder / "pictures"
    export = folder / "export"
    for name in ["img_emb", "metadata"]:
        (export / name).mkdir(parents=True, exist_ok=True)
    numpy.save(export / "img_emb/img_emb_0.npy", copies.astype(numpy.float32))
    with open(export / "metadata/metadata_0.jsonl", "w") as metadata:
        for number in range(count):
            original = pictures / rows[number % len(rows)]["image_path"]
            name = f"{number // 1000:03d}/{number:07d}{original.suffix}"
            copy = collection / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            if not copy.exists():
                os.link(original, copy)
            metadata.write(json.dumps({"image_path": name}) + "\n")
    subprocess.run(
        [blip, "import", str(export), "--collection", str(collection), "--index", str(folder / "index")], check=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
