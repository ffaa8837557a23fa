"""Prints results as a table and writes them as JSON."""
import json


def print_machine(here):
    print(f"{here['processor']}, {here['cores']} cores, {' '.join(here['instructions'])}; OpenBLAS {here['OpenBLAS']}; "
          f"OPENBLAS_CORETYPE {here['OPENBLAS_CORETYPE']}; load {here['load']:.1f} at the start")
    print("\n".join(here["contestants"]), flush=True)


def short(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def advantage(row, rows):
    """blip's median relative to the fastest peer of the same precision, or of fp32 if there is none."""
    peers = [other for other in rows if other["engine"] != "blip" and "median" in other]
    peers = [other for other in peers if other["precision"] == row["precision"]] or peers
    if row["engine"] != "blip" or not peers or "median" not in row:
        return ""
    faster = (lambda a, b: b / a) if row["unit"] == "ms" else (lambda a, b: a / b)
    fastest = min(peers, key=lambda peer: faster(row["median"], peer["median"]))
    return f"{faster(row['median'], fastest['median']):.2f}× {fastest['contestant']}"


def print_work(work, threads, rows):
    of = "cosine" if work.outputs == "embeddings" else "logits differ by"
    unit = "ms" if work.unit == "ms" else "pictures/s"
    lines = [(f"{unit}, {threads} thread{'s' if threads > 1 else ''}", "median", "spread", of, "blip against the best")]
    for row in rows:
        timed = "median" in row
        lines.append((
            row["contestant"], short(row["median"]) + ("*" if row["once"] else "") if timed else "–",
            "–".join(map(short, row["spread"])) if timed else "",
            f"{row['agreement']:.6f}" + ("" if row["agrees"] else " DIFFERS"), advantage(row, rows)))
    widths = [max(len(line[column]) for line in lines) for column in range(5)]
    print(f"\n{work.title}")
    for line in lines:
        print("  " + "  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip())
    samples = [sample for row in rows for sample in row["samples"]]
    disturbed = sum(sample["disturbed"] for sample in samples)
    if disturbed:
        print(f"  {disturbed} of {len(samples)} samples were disturbed by other processes", flush=True)


def write(here, rows, path):
    with open(path, "w") as file:
        json.dump({"machine": here, "rows": rows}, file, indent=1, ensure_ascii=False)
