"""The queries, the judgements, and what a build of blip answers."""
import csv, json, os, subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
SETS = ("demo", "flickr8k-dev")
WITHOUT_ANSWER = ("absent", "other languages", "nonsense")


def queries():
    """The queries of each kind."""
    return json.load(open(f"{HERE}/queries.json"))


def judgements():
    """(set, query, path) → whether the picture is a right answer."""
    with open(f"{HERE}/judgements.tsv", newline="") as file:
        return {(row["set"], row["query"], row["path"]): row["right"] == "1"
                for row in csv.DictReader(file, delimiter="\t")}


def answers(blip, index, query, count, options):
    """The hits of a query, as `blip search --json` writes them."""
    run = subprocess.run([blip, "search", query, "-k", str(count), "--json", "--index", index, *options],
                         capture_output=True, text=True)
    if run.returncode: raise SystemExit(f"{query}: {run.stderr}")
    return [json.loads(line) for line in run.stdout.splitlines()]


def add_arguments(arguments):
    arguments.add_argument("blip")
    arguments.add_argument("--demo", help="index of the demo's pictures (make demo)")
    arguments.add_argument("--flickr8k-dev", dest="flickr", help="index of the pictures of Flickr8k dev, without captions")
    arguments.add_argument("--options", default="", help="further options of blip search, such as '--rerank 0'")


def indexes(given):
    """(set, index) of the sets that are to be searched."""
    return [(name, index) for name, index in zip(SETS, (given.demo, given.flickr)) if index]
