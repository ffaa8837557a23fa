"""Recall against queries a second, as an SVG: a line for each contestant."""
import math

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 900, 520, 70, 190, 50, 50
COLOURS = ("#d62728", "#111111", "#1f77b4", "#6baed6", "#2ca02c", "#98df8a", "#9467bd", "#ff7f0e", "#8c564b", "#e377c2", "#7f7f7f")
LOSSES = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002)  # what recall lacks of 1: gridlines


def draw(curves, ours, title, path):
    """curves: {name: [{"recall", "qps"}]}. Across: what recall lacks, by its logarithm; upwards: QPS."""
    highest = max(row["qps"] for rows in curves.values() for row in rows)
    lowest = min(row["qps"] for rows in curves.values() for row in rows)
    floor, ceiling = math.floor(math.log10(lowest)), math.log10(highest) + 0.1
    across, upwards = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def x(recall):
        loss = min(LOSSES[0], max(LOSSES[-1], 1 - recall))
        return LEFT + across * math.log(LOSSES[0] / loss) / math.log(LOSSES[0] / LOSSES[-1])

    def y(qps):
        return TOP + upwards * (ceiling - math.log10(qps)) / (ceiling - floor)

    svg = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
           f'<text x="{LEFT}" y="24" font-size="15">Recall@10 against queries a second: {title}</text>']
    for loss in LOSSES:
        at = x(1 - loss)
        svg += [f'<line x1="{at:.1f}" y1="{TOP}" x2="{at:.1f}" y2="{HEIGHT - BOTTOM}" stroke="#ddd"/>',
                f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{"≥ " if loss == LOSSES[-1] else ""}{1 - loss:g}</text>']
    for power in range(floor, math.floor(ceiling) + 1):
        svg += [f'<line x1="{LEFT}" y1="{y(10 ** power):.1f}" x2="{LEFT + across}" y2="{y(10 ** power):.1f}" stroke="#ddd"/>',
                f'<text x="{LEFT - 6}" y="{y(10 ** power) + 4:.1f}" text-anchor="end">{10 ** power:,}</text>']
    svg += [f'<text x="{LEFT + across / 2}" y="{HEIGHT - 10}" text-anchor="middle">recall@10</text>',
            f'<text transform="translate(16 {TOP + upwards / 2}) rotate(-90)" text-anchor="middle">queries a second</text>']
    for number, (name, rows) in enumerate(curves.items()):
        colour, width = COLOURS[number % len(COLOURS)], 3 if name in ours else 1.5
        points = [(x(row["recall"]), y(row["qps"])) for row in frontier(rows)]
        line = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        svg += [f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="{width}"/>']
        svg += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="{width + 1}" fill="{colour}"/>' for a, b in points]
        svg += [f'<circle cx="{WIDTH - RIGHT + 20}" cy="{TOP + 20 * number + 8}" r="5" fill="{colour}"/>',
                f'<text x="{WIDTH - RIGHT + 32}" y="{TOP + 20 * number + 12}">{name}</text>']
    with open(path, "w") as file:
        file.write("\n".join(svg + ["</svg>", ""]))


def frontier(rows):
    """The settings that no other beats in both, recall rising."""
    best, kept = 0, []
    for row in sorted(rows, key=lambda row: (-row["recall"], -row["qps"])):
        if row["qps"] > best:
            best = row["qps"]
            kept.append(row)
    return kept[::-1]
