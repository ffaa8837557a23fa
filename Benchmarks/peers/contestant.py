"""The protocol of contestants, and their common inputs.

A contestant is a process that reads a request per line on stdin and replies with a line on stdout:
  about       describes the contestant                        ->  about TEXT
  load WORK   unloads the previous workload, loads WORK   ->  ready COUNT   (items per run)
  run         runs it once                                    ->  took SECONDS
  save FILE   writes the outputs of the last run as raw fp32  ->  saved
It sleeps between requests and exits at the end of stdin. Any other output goes to stderr.
"""
import argparse, json, os, sys, time
from concurrent.futures import ThreadPoolExecutor
import numpy as np
from PIL import Image
from workloads import BASE_SIDE, CANDIDATES, ENC, MINI_SIDE, PATCHES, WIDTH

# CLIP's channel means and standard deviations, which BLIP uses.
MEAN = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)
STD = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)


class Inputs:
    """Reads the inputs written by inputs.py."""

    def __init__(self, folder):
        self.folder = os.path.join(folder, "inputs")
        self.tokens = json.load(open(os.path.join(self.folder, "tokens.json")))

    def picture(self, side):
        """[1, side, side, 3] uint8."""
        return np.fromfile(os.path.join(self.folder, f"picture{side}.u8"), np.uint8).reshape(1, side, side, 3)

    def pixels(self):
        """[1, 3, 384, 384], normalised."""
        return normalised(self.picture(BASE_SIDE))

    def text(self):
        """[1, T]"""
        return np.array([self.tokens["text"]], np.int64)

    def texts(self, count):
        """[count, T], starting with [ENC]."""
        ids = np.array(self.tokens["texts"][:count], np.int64)
        ids[:, 0] = ENC
        return ids

    def repeated_text(self, count):
        """[count, T], starting with [ENC]."""
        ids = np.repeat(self.text(), count, 0)
        ids[:, 0] = ENC
        return ids

    def features(self, count):
        """[count, 577, 768]"""
        all = np.memmap(os.path.join(self.folder, "features.f32"), np.float32, "r", shape=(CANDIDATES, PATCHES, WIDTH))
        return np.array(all[:count])

    def grounded(self, work, count):
        """Ids and features of one batch of an ITM workload. A picture's features are repeated for its texts, as in BLIP's
        own evaluation."""
        if work == "itm-pictures":
            return self.repeated_text(count), self.features(count)
        return self.texts(count), np.repeat(self.features(1), count, 0)

    def feed(self, workload, batch):
        """The items per run, the name of the exported model and its inputs by name. ITM runs one batch."""
        if workload == "vision":
            return 1, "vision", {"pixels": self.pixels()}
        if workload == "mini-vision":
            return 1, "mini", {"picture": self.picture(MINI_SIDE)}
        if workload == "text":
            return 1, "text", {"ids": self.text()}
        ids, features = self.grounded(workload, batch)
        return batch, "itm", {"ids": ids, "features": features}

    def jpegs(self):
        folder = os.path.join(self.folder, "jpegs")
        return [os.path.join(folder, name) for name in sorted(os.listdir(folder))]


def normalised(pictures):
    """[n, side, side, 3] uint8 -> [n, 3, side, side]"""
    x = (pictures.astype(np.float32) / 255 - MEAN) / STD
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2))


def decoded(path):
    """[1, 224, 224, 3] uint8, as in BLIP's preprocessing."""
    picture = Image.open(path).convert("RGB").resize((MINI_SIDE, MINI_SIDE), Image.BICUBIC)
    return np.asarray(picture)[None]


def embed_files(files, threads, embed):
    """Runs Pillow and the network on several threads: both release Python's global lock while they compute."""
    with ThreadPoolExecutor(threads) as pool:
        return np.concatenate(list(pool.map(lambda file: embed(decoded(file)), files)))


def arguments(*precisions):
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("precision", choices=precisions)
    parser.add_argument("threads", type=int)
    return parser.parse_args()


def serve(about, load):
    """Serves requests; load(work) returns the number of items per run and a function that returns an array."""
    answers, sys.stdout = sys.stdout, sys.stderr
    run = outputs = None
    for line in sys.stdin:
        request, _, rest = line.strip().partition(" ")
        if request == "about":
            answer = f"about {about}"
        elif request == "load":
            run = None
            count, run = load(rest)
            answer = f"ready {count}"
        elif request == "run":
            start = time.perf_counter()
            outputs = run()
            answer = f"took {time.perf_counter() - start}"
        elif request == "save":
            np.asarray(outputs, np.float32).tofile(rest)
            answer = "saved"
        else:
            raise SystemExit(f"unknown request: {line}")
        print(answer, file=answers, flush=True)
