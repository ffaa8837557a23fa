"""Compares training steps of the default model in blip and PyTorch: batch 64, given stem features, no
dropout or augmentation, interleaved runs. Reports medians and spread, and checks that the losses of
the first step agree.

  compare.py FOLDER [--rounds 5] [--threads 2] [--objective pretrain] [--precisions fp32,bf16] [--json FILE]

FOLDER is that of the peers (make bench-peers); the batch is written to FOLDER/training.
"""
import argparse, glob, json, os, statistics, subprocess, sys, tempfile
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, folder) for folder in ("../peers", "../reference")]
import machine
from report import print_machine

BATCH, PATCHES, CHANNELS = 64, 49, 1280
LOSSES = 2e-3  # for ITC and LM of the first step; ITM's negatives are random


def make(folder):
    """64 captions of the development set if it is available, else random tokens of similar lengths;
    random features with the range of the stem's."""
    os.makedirs(folder, exist_ok=True)
    generator = np.random.default_rng(1)
    captions = os.path.join(HERE, "../../../shared/data/flickr8k-dev/captions.json")
    if os.path.exists(captions):
        import blip_mini
        model = os.path.join(HERE, "../../Sources/BLIP/Resources/blip-mini/vocab.txt")
        tokenizer = blip_mini.BertWordPieceTokenizer(model, lowercase=True)
        rows = json.load(open(captions))[:BATCH]
        texts = [tokenizer.encode(blip_mini.clean(row["caption"][0])).ids[:35] for row in rows]
    else:
        texts = [[101, *generator.integers(1000, 20000, n).tolist(), 102] for n in generator.integers(8, 16, BATCH)]
    json.dump(texts, open(f"{folder}/texts.json", "w"))
    np.clip(generator.normal(0, 1, (BATCH, PATCHES, CHANNELS)), 0, 6).astype(np.float32).tofile(f"{folder}/stem.f32")


class Contestant:
    def __init__(self, name, command):
        self.name = name
        self.process = subprocess.Popen(command, text=True, bufsize=1, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.samples = []

    def ask(self, request):
        self.process.stdin.write(request + "\n")
        answer = self.process.stdout.readline()
        if not answer: raise SystemExit(f"{self.name} ended at \"{request}\"")
        return answer.strip().partition(" ")[2]

    def losses(self):
        with tempfile.NamedTemporaryFile() as file:
            self.ask(f"save {file.name}")
            return np.fromfile(file.name, np.float32)

    def memory(self):
        """Peak resident memory in MB."""
        status = open(f"/proc/{self.process.pid}/status").read()
        return int(status.split("VmHWM:")[1].split()[0]) // 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--objective", default="pretrain", choices=("pretrain", "retrieval", "caption"))
    parser.add_argument("--precisions", default="fp32,bf16")
    parser.add_argument("--json", default=os.path.join(HERE, "../training.bench.json"))
    a = parser.parse_args()
    folder = os.path.join(a.folder, "training")
    if not os.path.exists(f"{folder}/stem.f32"): make(folder)
    program = [os.path.join(HERE, "../.build/release/training"), folder, a.objective, str(a.threads)]
    everyone = [Contestant("blip fp32", program)]
    for precision in a.precisions.split(","):
        # Without bf16 instructions PyTorch takes minutes per step.
        if precision == "bf16" and not machine.multiplies_bfloat16(): continue
        script = os.path.join(HERE, "torch_training.py")
        everyone.append(Contestant(
            f"PyTorch {precision}", [sys.executable, script, folder, a.objective, str(a.threads), precision]))
    here = machine.description()
    here["contestants"] = [contestant.ask("about") for contestant in everyone]
    print_machine(here)
    for contestant in everyone:
        contestant.ask("load step"); contestant.ask("run")
        contestant.first = contestant.losses()
    for turn in range(a.rounds):
        for place in range(len(everyone)):
            contestant = everyone[(place + turn) % len(everyone)]
            contestant.samples.append(float(contestant.ask("run")))
    print(f"\nA step of {BATCH} pairs, {a.objective}, {a.threads} threads")
    rows, ours = [], statistics.median(everyone[0].samples)
    for contestant in everyone:
        median = statistics.median(contestant.samples)
        rows.append({"contestant": contestant.name, "seconds": median, "spread": [min(contestant.samples), max(contestant.samples)],
                     "losses": contestant.first.tolist(), "memory": contestant.memory(), "threads": a.threads, "objective": a.objective})
        print(f"  {contestant.name:14} {median:6.2f} s  {min(contestant.samples):.2f}–{max(contestant.samples):.2f}  "
              f"{BATCH / median:5.1f} pairs/s  {contestant.memory():5} MB  ITC, ITM, LM {contestant.first.round(4).tolist()}"
              + ("" if contestant is everyone[0] else f"  blip is {median / ours:.2f}× as fast"))
    json.dump({"machine": here, "rows": rows}, open(a.json, "w"), indent=1, ensure_ascii=False)
    print(f"As JSON: {os.path.normpath(a.json)}")
    for contestant in everyone[1:]:
        if contestant.name.endswith("fp32") and np.abs(contestant.first - everyone[0].first)[[0, 2]].max() > LOSSES:
            raise SystemExit("the losses differ from PyTorch's")


if __name__ == "__main__":
    main()
