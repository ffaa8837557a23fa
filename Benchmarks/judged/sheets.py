"""Contact sheets of the first five answers of each query, to judge them by eye.

  python Benchmarks/judged/sheets.py BLIP --demo INDEX --flickr8k-dev INDEX --out FOLDER [--options '--rerank 0']

Writes FOLDER/SET-N.png with ten queries each, and FOLDER/SET.tsv with the answers in judgements.tsv's columns; `right`
is empty where an answer is not judged yet. On a sheet, judged answers have a green or a red edge. Needs Pillow.
"""
import argparse, os
from PIL import Image, ImageDraw, ImageFont
from answers import add_arguments, answers, indexes, judgements, queries

SIDE, LABEL, PER_SHEET = 190, 26, 10

arguments = argparse.ArgumentParser()
add_arguments(arguments)
arguments.add_argument("--out", required=True)
arguments.add_argument("--unjudged", action="store_true", help="only queries with an answer that is not judged")
given = arguments.parse_args()
os.makedirs(given.out, exist_ok=True)
judged = judgements()
font = ImageFont.load_default(16)


def thumbnail(path):
    picture = Image.open(path)
    if picture.mode in ("RGBA", "LA", "P"):
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture.convert("RGBA"))
    picture = picture.convert("RGB")
    picture.thumbnail((SIDE - 12, SIDE - 12))
    return picture


for name, index in indexes(given):
    rows = [(query, answers(given.blip, index, query, 5, given.options.split())) for query in queries()[name]]
    with open(f"{given.out}/{name}.tsv", "w") as table:
        for query, hits in rows:
            for hit in hits:
                right = judged.get((name, query, hit["path"]))
                table.write(f"{name}\t{query}\t{hit['path']}\t{'' if right is None else int(right)}\n")
    if given.unjudged:
        rows = [row for row in rows if any((name, row[0], hit["path"]) not in judged for hit in row[1])]
    for start in range(0, len(rows), PER_SHEET):
        part = rows[start:start + PER_SHEET]
        sheet = Image.new("RGB", (5 * SIDE, len(part) * (SIDE + LABEL)), "white")
        draw = ImageDraw.Draw(sheet)
        for row, (query, hits) in enumerate(part):
            top = row * (SIDE + LABEL)
            draw.text((4, top + 4), f"{start + row + 1}. {query}", fill="black", font=font)
            for rank, hit in enumerate(hits):
                picture = thumbnail(hit["location"])
                right = judged.get((name, query, hit["path"]))
                box = (rank * SIDE + 2, top + LABEL, rank * SIDE + SIDE - 2, top + LABEL + SIDE - 4)
                draw.rectangle(box, outline={None: "#bbb", True: "#0a0", False: "#d00"}[right], width=3)
                sheet.paste(picture, (rank * SIDE + 6, top + LABEL + 4))
        sheet.save(f"{given.out}/{name}-{start // PER_SHEET + 1}.png")
