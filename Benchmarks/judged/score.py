"""Scores a build of blip by the judged answers of everyday queries.

  python Benchmarks/judged/score.py BLIP --demo INDEX --flickr8k-dev INDEX [--options '--rerank 0'] [--json FILE]

P@1 and P@5: the share of right answers among the first one and the first five. "of the possible": P@5 against the
most that is possible, as not every query has five right pictures. An answer that is not judged counts as wrong, and
is listed. AUC and ECE of the shown figure (and AUC of the cosine): whether it says that an answer is right.
Present against absent: whether the first hit's figure tells a query with an answer from one without.
"""
import argparse, json
from answers import WITHOUT_ANSWER, add_arguments, answers, indexes, judgements, queries

arguments = argparse.ArgumentParser()
add_arguments(arguments)
arguments.add_argument("--json")
given = arguments.parse_args()
judged, asked = judgements(), queries()
options = given.options.split()


def auc(right, wrong):
    """The share of pairs in which the right one has the higher figure; a tie counts as half."""
    pairs = [(a > b) + 0.5 * (a == b) for a in right for b in wrong]
    return sum(pairs) / len(pairs) if pairs else float("nan")


def calibration_error(figures):
    """Expected calibration error over ten bins of equal width, of (figure, right)."""
    error = 0
    for lower in range(10):
        inside = [(figure, right) for figure, right in figures if lower <= min(10 * figure, 9.99) < lower + 1]
        if inside: error += abs(sum(figure for figure, _ in inside) - sum(right for _, right in inside))
    return error / len(figures)


def shown(hit):
    """The figure that orders the list: the probability, or the cosine without one."""
    return hit.get("probability", hit.get("match_probability", hit["cosine"]))


def first(hits, figure):
    return figure(hits[0]) if hits else 0.0


report, unjudged, worst, pooled = {}, [], [], []
for name, index in indexes(given):
    at_1 = at_5 = possible = ordered = 0
    figures, cosines, present = [], [], []
    for query in asked[name]:
        hits = answers(given.blip, index, query, 5, options)
        present.append(hits)
        right = []
        for hit in hits:
            key = (name, query, hit["path"])
            if key not in judged: unjudged.append(key)
            right.append(judged.get(key, False))
            figures.append((shown(hit), right[-1]))
            cosines.append((hit["cosine"], right[-1]))
        # Every query of Flickr8k dev has five right pictures or more, by the captions.
        known = sum(right for (kind, text, _), right in judged.items() if (kind, text) == (name, query))
        most = 5 if name == "flickr8k-dev" else min(5, known)
        at_1 += right[:1] == [True]
        at_5 += sum(right)
        possible += most
        ordered += all(shown(a) >= shown(b) for a, b in zip(hits, hits[1:]))
        worst.append((sum(right) / max(most, 1), name, query, "".join("+" if r else "-" for r in right), most))
    absent = {kind: [answers(given.blip, index, query, 1, options) for query in asked[kind]] for kind in WITHOUT_ANSWER}
    count = len(asked[name])
    pooled += figures
    row = {
        "P@1": at_1 / count, "P@5": at_5 / (5 * count), "P@5 of the possible": at_5 / max(possible, 1),
        "ECE": calibration_error(figures), "lists in order": ordered / count,
        "AUC right/wrong": auc(*[[f for f, right in figures if right == wanted] for wanted in (True, False)]),
        "the same of the cosine": auc(*[[f for f, right in cosines if right == wanted] for wanted in (True, False)]),
        "AUC present/absent": auc(
            [first(hits, shown) for hits in present],
            [first(hits, shown) for kind in WITHOUT_ANSWER for hits in absent[kind]]),
        "its cosine's": auc(
            [first(hits, lambda hit: hit["cosine"]) for hits in present],
            [first(hits, lambda hit: hit["cosine"]) for kind in WITHOUT_ANSWER for hits in absent[kind]]),
    }
    for kind in WITHOUT_ANSWER:
        row[f"AUC present/{kind}"] = auc([first(hits, shown) for hits in present],
                                         [first(hits, shown) for hits in absent[kind]])
    report[name] = row

print(f"{'':26}" + "".join(f"{name:>14}" for name in report))
for key in next(iter(report.values())):
    print(f"{key:26}" + "".join(f"{100 * row[key]:12.1f} %" for row in report.values()))
print(f"\nECE of both together {100 * calibration_error(pooled):.1f} %")
print("\nworst queries (right of the first five; most possible)")
for share, name, query, marks, most in sorted(worst)[:12]: print(f"  {name:13} {query:28} {marks:5}  {most}")
if unjudged:
    print(f"\n{len(unjudged)} answers are not judged and count as wrong")
    for name, query, path in unjudged: print(f"  {name}\t{query}\t{path}")
if given.json:
    json.dump(dict(options=given.options, sets=report, unjudged=unjudged), open(given.json, "w"), indent=1)
