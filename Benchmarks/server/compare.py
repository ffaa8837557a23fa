"""Requests per second and latency of `blip serve` beside its peer, FastAPI with PyTorch and faiss: text search among the
same vectors by the same model, one server at a time, in rounds, on loopback, by wrk (Debian's package).

  python compare.py BLIP FOLDER CAPTIONS --model MODEL --reference FOLDER_OF_reference.py [--rounds 3] [--seconds 5]

FOLDER is make_index.py's. The queries are the first six words of CAPTIONS (COCO-like JSON), which the default model does
not rerank: both sides do the same work. Prints a table; writes server.bench.json beside this file."""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
CONNECTIONS = [1, 8, 64]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("blip")
    parser.add_argument("folder", type=Path)
    parser.add_argument("captions", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--reference", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    options = parser.parse_args()
    queries = options.folder / "queries.txt"
    write_queries(options.captions, queries)
    servers = {
        "blip serve": blip(options),
        "FastAPI, PyTorch, faiss flat": peer(options, "flat"),
        "FastAPI, PyTorch, faiss HNSW32": peer(options, "hnsw"),
    }
    results = {name: {count: [] for count in CONNECTIONS} for name in servers}
    memory = {}
    for _ in range(options.rounds):
        for name, (command, environment, port) in servers.items():
            with Server(command, environment, port) as server:
                for count in CONNECTIONS:
                    results[name][count].append(load(port, count, options.seconds, queries))
                memory[name] = server.memory()
    report(results, memory)


def write_queries(captions, path):
    data = json.load(open(captions))
    texts = [c["caption"] for c in data["annotations"]] if isinstance(data, dict) else [
        text for row in data for text in ([row["caption"]] if isinstance(row["caption"], str) else row["caption"])]
    lines = [urllib.parse.quote_plus(" ".join(text.split()[:6])) for text in texts]
    path.write_text("\n".join(dict.fromkeys(lines)) + "\n")


def blip(options):
    command = [options.blip, "serve", "--index", str(options.folder / "index"), "--listen", "127.0.0.1:8300"]
    return command, {}, 8300


def peer(options, index):
    command = [sys.executable, "-m", "uvicorn", "peer:app", "--port", "8301", "--log-level", "warning"]
    environment = {
        "MODEL": options.model, "REFERENCE": options.reference, "EXPORT": str(options.folder / "export"),
        "INDEX": index, "THREADS": "2",
    }
    return command, environment, 8301


class Server:
    """A server that runs for as long as it is measured."""

    def __init__(self, command, environment, port):
        kept = {name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"}
        self.process = subprocess.Popen(command, cwd=HERE, env={**kept, **environment})
        self.port = port

    def __enter__(self):
        for _ in range(1200):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/search?q=a+dog", timeout=30)
                return self
            except OSError:
                time.sleep(0.1)
        raise SystemExit("the server does not answer")

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)

    def memory(self):
        """Resident memory in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) // 1024


def load(port, connections, seconds, queries):
    threads = min(connections, 2)
    command = ["wrk", "-t", str(threads), "-c", str(connections), "-d", f"{seconds}s", "--timeout", "10s",
               "-s", str(HERE / "queries.lua"), f"http://127.0.0.1:{port}"]
    output = subprocess.run(command, env={**os.environ, "QUERIES": str(queries)}, check=True, capture_output=True,
                            text=True).stdout
    return json.loads(output.splitlines()[-1])


def report(results, memory):
    summary = {}
    print(f"{'':32} {'connections':>11} {'requests/s':>10} {'spread':>13} {'p50 ms':>8} {'p99 ms':>8} {'errors':>6} {'MiB':>6}")
    for name, by_count in results.items():
        for count, runs in by_count.items():
            rates = [run["requests"] / run["seconds"] for run in runs]
            row = {
                "rate": statistics.median(rates), "low": min(rates), "high": max(rates),
                "p50": statistics.median(run["p50"] for run in runs),
                "p99": statistics.median(run["p99"] for run in runs),
                "errors": sum(run["errors"] for run in runs), "memory": memory[name],
            }
            summary.setdefault(name, {})[count] = row
            spread = f"{row['low']:.0f}-{row['high']:.0f}"
            print(f"{name:32} {count:>11} {row['rate']:>10.0f} {spread:>13} {row['p50']:>8.2f} {row['p99']:>8.2f} "
                  f"{row['errors']:>6} {row['memory']:>6}")
    (HERE / "server.bench.json").write_text(json.dumps(summary, indent=1) + "\n")


if __name__ == "__main__":
    main()
