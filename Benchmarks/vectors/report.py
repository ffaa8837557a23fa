"""Results as tables that a person reads."""


def print_machine(here, data):
    print(f"{here['processor']}, {here['cores']} cores, {' '.join(here['instructions'])}; OPENBLAS_CORETYPE "
          f"{here['OPENBLAS_CORETYPE']}; load {here['load']:.1f} at the start\n{here['kernels'] or ''}\n{data}", flush=True)


def short(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.3g}"


def table(lines):
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        print("  " + "  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip())
    print(end="", flush=True)


def print_building(rows, count):
    print("\nbuilding (2 threads), bytes a vector with what is needed of the vector itself, peak memory")
    lines = [("", "wall s", "CPU s", "bytes a vector", "peak MB, building", "peak MB, searching", "a call's own µs")]
    for row in rows:
        lines.append((row["contestant"], short(row["wall"]), short(row["processor"]), short(row["bytes"] / count),
                      short(row["peak"] / 1e6), short(row["resident"] / 1e6), short(row["overhead"] * 1e6)))
    table(lines)


def advantage(row, rows, ours):
    """Ours against the fastest peer at the same recall."""
    peers = [other for other in rows if other["contestant"] not in ours and other["target"] == row["target"] and "median" in other]
    if row["contestant"] not in ours or not peers or "median" not in row:
        return ""
    fastest = max(peers, key=lambda peer: peer["median"])
    return f"{row['median'] / fastest['median']:.2f}× {fastest['contestant']}"


def print_searches(rows, way, threads, ours):
    asked = "one query at a time" if way == "single" else "all queries at once"
    print(f"\n{asked}, {threads} thread{'s' if threads > 1 else ''}: queries a second at recall@10")
    targets = sorted({row["target"] for row in rows})
    lines = [("",) + tuple(text for target in targets for text in (f"≥ {target}", "spread", "at (recall)", "ours against the best"))]
    for name in dict.fromkeys(row["contestant"] for row in rows):
        line = [name]
        for row in sorted((row for row in rows if row["contestant"] == name), key=lambda row: row["target"]):
            if "median" not in row:
                line += ["–", "", f"({row['best']:.3f} at most)", ""]
            else:
                line += [short(row["median"]), "–".join(map(short, row["spread"])), f"{row['setting']} ({row['recall']:.4f})",
                         advantage(row, rows, ours)]
        lines.append(tuple(line))
    table(lines)
    samples = [sample for row in rows for sample in row["samples"]]
    disturbed = sum(sample["disturbed"] for sample in samples)
    if disturbed:
        print(f"  {disturbed} of {len(samples)} samples were disturbed by other processes", flush=True)


def print_updates(rows, building):
    print("\n10,000 adds, then 10,000 removals")
    built = {row["contestant"]: row["processor"] for row in building}
    lines = [("", "adds, CPU s", "removals, CPU s", "a rebuild costs", "recall before → after")]
    for row in rows:
        cost = row["add"]["processor"] + row["remove"]["processor"]
        lines.append((row["contestant"], short(row["add"]["processor"]), short(row["remove"]["processor"]),
                      f"{built[row['contestant']] / cost:.0f}×",
                      ", ".join(f"{before:.4f} → {after:.4f}" for before, after in row["recall"].values())))
    table(lines)
