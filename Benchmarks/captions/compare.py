"""Compares captioning from given features in blip and Hugging Face's `generate`, with a BLIP-base captioner of
random weights, by greedy search and with 3 beams, interleaved. Reports medians, spread and whether the ids are
equal.

  swift build -c release --package-path Benchmarks --product captions
  compare.py FOLDER [--rounds 5] [--threads 2] [--pictures 6] [--json FILE]

The model and the features (1.8 GB) are written to FOLDER.
"""
import argparse, json, os, statistics, sys, tempfile
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../peers"))
import machine
from process import Contestant
from report import print_machine

ENDING = 3.0  # added to the logit of [SEP], so that captions have various lengths


def make(folder, pictures):
    import torch
    from transformers import BlipForConditionalGeneration
    import checkpoint
    os.makedirs(f"{folder}/model", exist_ok=True)
    if not os.path.exists(f"{folder}/model/vocab.txt"):
        model = BlipForConditionalGeneration(checkpoint.configuration()).eval()
        checkpoint.randomise(model, 4321)
        with torch.no_grad():
            model.text_decoder.cls.predictions.bias[102] += ENDING
        model.save_pretrained(f"{folder}/model")
        checkpoint.preprocessing(f"{folder}/model")
    side = checkpoint.configuration().vision_config.image_size // 16
    generator = np.random.default_rng(1)
    generator.standard_normal((pictures, 1 + side * side, 768), np.float32).tofile(f"{folder}/features.f32")


def outputs(contestant):
    with tempfile.NamedTemporaryFile() as file:
        contestant.answer(f"save {file.name}")
        return np.fromfile(file.name, np.float32).reshape(-1, 20).astype(int)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--pictures", type=int, default=6)
    parser.add_argument("--json", default=os.path.join(HERE, "../captions.bench.json"))
    a = parser.parse_args()
    make(a.folder, a.pictures)
    program = os.path.join(HERE, "../.build/release/captions")
    everyone = [Contestant(f"blip {precision}", [program, a.folder, precision, str(a.threads)])
                for precision in ("fp32", "bf16", "int8")]
    script = os.path.join(HERE, "torch_captions.py")
    here = machine.description()
    peers = ["fp32", "bf16"] if machine.multiplies_bfloat16() else ["fp32"]
    everyone += [Contestant(f"transformers {precision}",
                            [sys.executable, script, a.folder, str(a.threads), precision])
                 for precision in peers]
    here["contestants"] = [contestant.answer("about").strip() for contestant in everyone]
    print_machine(here)
    rows = []
    for work in "greedy", "beams":
        said, samples = {}, {contestant.name: [] for contestant in everyone}
        for contestant in everyone:
            contestant.answer(f"load {work}"); contestant.answer("run")
            said[contestant.name] = outputs(contestant)
        for turn in range(a.rounds):
            for place in range(len(everyone)):
                contestant = everyone[(place + turn) % len(everyone)]
                samples[contestant.name].append(float(contestant.answer("run").split()[1]))
        print(f"\n{a.pictures} pictures, {work}, {a.threads} threads")
        theirs = statistics.median(samples["transformers fp32"])
        for name, times in samples.items():
            median = statistics.median(times)
            tokens = int((said[name] > 0).sum()) - 4 * a.pictures
            same = int((said[name] == said["transformers fp32"]).all(1).sum())
            rows.append(dict(work=work, contestant=name, seconds=median, spread=[min(times), max(times)],
                             tokens=tokens, same=same, pictures=a.pictures, threads=a.threads))
            print(f"  {name:18} {median:6.2f} s  {min(times):.2f}–{max(times):.2f}  {a.pictures / median:5.2f} captions/s  "
                  f"{tokens / median:6.1f} tokens/s  {theirs / median:.2f}×  same ids for {same} of {a.pictures}")
    json.dump({"machine": here, "rows": rows}, open(a.json, "w"), indent=1, ensure_ascii=False)
    if any(row["same"] < row["pictures"] for row in rows if row["contestant"] == "blip fp32"):
        raise SystemExit("the ids differ from transformers'")


if __name__ == "__main__":
    main()
