"""Compares blip and its peers, interleaved on the same inputs: medians, spread, and whether outputs agree.

  compare.py FOLDER [--rounds 5] [--threads 2,1] [--only vision,text] [--precisions fp32,bf16,int8]
    [--peers all|none] [--clock wall|processor] [--json FILE]

For each workload, every contestant loads its model and runs once, as a warm-up and to compare its outputs
with PyTorch's in fp32. Then follow rounds in which each runs in turn, alone, starting with a different one
each time. A contestant whose warm-up takes longer than --patience seconds does not run again: its only run
is marked with a *. --rounds 0 only checks that outputs agree. Exits with 1 if they do not.
--clock processor shows processor time divided by the threads, which is more accurate on a busy machine.
"""
import argparse, os, statistics, sys, tempfile, time
import numpy as np
import machine
from process import Contestant
from report import print_machine, print_work, write
from workloads import COSINE, LOGITS, WORKLOADS

HERE = os.path.dirname(os.path.abspath(__file__))
SPEED = os.path.join(HERE, "../.build/release/speed")
REFERENCE = "PyTorch fp32"
SAMPLE_SECONDS = 0.2  # shorter runs are repeated, and the median is the sample
DISTURBED = 0.1       # processors kept busy by other processes during a sample


class Engine(Contestant):
    """A program that runs workloads in a given precision."""

    def __init__(self, engine, precision, folder, threads):
        self.engine, self.precision = engine, precision
        script = {"PyTorch": "torch_peer.py", "ONNX Runtime": "onnxruntime_peer.py", "OpenVINO": "openvino_peer.py"}
        program = [SPEED] if engine == "blip" else [sys.executable, os.path.join(HERE, script[engine])]
        super().__init__(f"{engine} {precision}", program + [folder, precision, str(threads)])

    def ask(self, request):
        """Sends a request; returns the reply without its first word, which repeats the kind of request."""
        return self.answer(request).strip().partition(" ")[2]

    def outputs(self):
        with tempfile.NamedTemporaryFile() as file:
            self.ask(f"save {file.name}")
            return np.fromfile(file.name, np.float32)

    def sample(self, runs):
        """One sample: wall-clock and processor seconds of a run, and whether other processes disturbed it."""
        before, own, start = machine.busy(), machine.spent(self.process.pid), time.monotonic()
        seconds = statistics.median(float(self.ask("run")) for _ in range(runs))
        own = machine.spent(self.process.pid) - own
        foreign = (machine.busy() - before - own) / (time.monotonic() - start)
        return {"wall": seconds, "processor": own / runs, "disturbed": foreign > DISTURBED}


def contestants(precisions, peers):
    """The engines and precisions. Without bf16 instructions PyTorch's bf16 is extremely slow."""
    entrants = [("blip", precision) for precision in precisions]
    entrants += [("PyTorch", "fp32")]
    if peers == "none":
        return entrants
    if machine.multiplies_bfloat16():
        entrants += [("PyTorch", "bf16")]
    entrants += [("ONNX Runtime", "fp32"), ("ONNX Runtime", "int8")]
    return entrants + [("OpenVINO", precision) for precision in ("fp32", "bf16", "int8")]


def agreement(work, outputs, reference):
    """The deviation of outputs from the reference: the smallest cosine, or the largest difference of logits."""
    if work.outputs == "embeddings":
        a, b = outputs.reshape(-1, 256), reference.reshape(-1, 256)
        count = min(len(a), len(b))
        a, b = a[:count].astype(np.float64), b[:count].astype(np.float64)
        return float(((a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)).min())
    count = min(len(outputs), len(reference))
    return float(np.abs(outputs[:count] - reference[:count]).max())


def agrees(work, precision, figure):
    return figure >= COSINE[precision] if work.outputs == "embeddings" else figure <= LOGITS[precision]


def measure(work, threads, everyone, rounds, patience, clock):
    """Measures a workload; returns a row for each contestant that supports it."""
    rows, asked, outputs = [], [], {}
    for contestant in everyone:
        if contestant.engine != "blip" and contestant.precision not in work.precisions:
            continue
        count = int(contestant.ask(f"load {work.name}"))
        warm = contestant.sample(1)
        outputs[contestant.name] = contestant.outputs()
        row = {"work": work.name, "threads": threads, "contestant": contestant.name, "engine": contestant.engine,
               "precision": contestant.precision, "count": count, "samples": []}
        rows.append(row)
        if rounds and warm["wall"] > patience:
            row["samples"].append(warm)
        else:
            asked.append((contestant, row, max(1, min(20, int(SAMPLE_SECONDS / warm["wall"])))))
    for turn in range(rounds):
        for place in range(len(asked)):
            contestant, row, runs = asked[(place + turn) % len(asked)]
            time.sleep(0.05)  # let spinning threads go to sleep
            row["samples"].append(contestant.sample(runs))
    for row in rows:
        row["agreement"] = agreement(work, outputs[row["contestant"]], outputs[REFERENCE])
        row["agrees"] = agrees(work, row["precision"], row["agreement"])
        shared = threads if clock == "processor" else 1
        each = [sample[clock] / shared / row["count"] for sample in row["samples"]]
        each = [1e3 * x if work.unit == "ms" else 1 / x for x in each]
        row.update(unit=work.unit, clock=clock, once=rounds > 1 and len(each) == 1)
        if each:
            row.update(median=statistics.median(each), spread=[min(each), max(each)])
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", default="2,1")
    parser.add_argument("--only", default=",".join(work.name for work in WORKLOADS))
    parser.add_argument("--precisions", default="fp32,bf16,int8")
    parser.add_argument("--peers", choices=("all", "none"), default="all")
    parser.add_argument("--clock", choices=("wall", "processor"), default="wall")
    parser.add_argument("--patience", type=float, default=10)
    parser.add_argument("--json", default=os.path.join(HERE, "../peers.bench.json"))
    a = parser.parse_args()
    names = a.only.split(",")
    unknown = set(names) - {work.name for work in WORKLOADS}
    if unknown:
        parser.error(f"no work is called {', '.join(sorted(unknown))}")
    here, rows = machine.description(), []
    entrants = contestants(a.precisions.split(","), a.peers)
    for threads in map(int, a.threads.split(",")):
        everyone = [Engine(engine, precision, a.folder, threads) for engine, precision in entrants]
        if not rows:
            here["contestants"] = sorted({contestant.ask("about") for contestant in everyone})
            print_machine(here)
        for work in WORKLOADS:
            if work.name in names:
                measured = measure(work, threads, everyone, a.rounds, a.patience, a.clock)
                print_work(work, threads, measured)
                rows += measured
                write(here, rows, a.json)
        for contestant in everyone:
            contestant.end()
    print(f"\nAs JSON: {os.path.normpath(a.json)}")
    # A peer's loss of accuracy in int8 is not an error; the table shows it.
    wrong = [f"{row['contestant']} on {row['work']}" for row in rows
             if not row["agrees"] and (row["engine"] == "blip" or row["precision"] != "int8")]
    if wrong:
        raise SystemExit("outputs differ from PyTorch's: " + ", ".join(wrong))


if __name__ == "__main__":
    main()
