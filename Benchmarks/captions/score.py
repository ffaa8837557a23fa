"""Computes CIDEr-D and BLEU-4 of a captions file written by `blip caption --out`, with the public COCO caption
scorer (pycocoevalcap). Its PTB tokeniser needs Java; without Java, captions are lower-cased and split into words
instead.

  blip caption PICTURES --out captions.jsonl
  python Benchmarks/captions/score.py captions.jsonl REFERENCES

REFERENCES: a JSON list of {"image", "caption"}, where a caption may be a list, or JSONL of the same.
"""
import re, shutil, sys
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from sets import by_image


def tokenise(captions):
    if shutil.which("java"):
        from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer
        return PTBTokenizer().tokenize({k: [{"caption": c} for c in v] for k, v in captions.items()})
    clean = lambda text: " ".join(re.findall(r"[a-z0-9]+|'[a-z]+", text.lower()))
    return {image: [clean(text) for text in texts] for image, texts in captions.items()}


made, references = by_image(sys.argv[1]), by_image(sys.argv[2])
images = sorted(set(made) & set(references))
assert images, "the two files have no pictures in common"
made = tokenise({image: made[image][:1] for image in images})
references = tokenise({image: references[image] for image in images})
bleu, _ = Bleu(4).compute_score(references, made, verbose=0)
cider, _ = Cider().compute_score(references, made)
words = [len(texts[0].split()) for texts in made.values()]
print(f"{len(images)} pictures, tokeniser {'PTB' if shutil.which('java') else 'words'}, "
      f"{sum(words) / len(words):.1f} words per caption, {len(set(t[0] for t in made.values()))} different")
print(f"CIDEr-D {cider:.4f}  BLEU-4 {bleu[3]:.4f}  BLEU-1 {bleu[0]:.4f}")
