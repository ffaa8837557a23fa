"""What `-` does in a query: `blip search "a beach" - people` on captioned pictures.

Usage: unlike.py BLIP INDEX CAPTIONS [--model MODEL] [--json FILE]

INDEX is an index of pictures without captions (Flickr8k dev), which would take part in the search, and CAPTIONS the
file with their captions: [{"image": ..., "caption": [...]}]. A picture shows a thing if one of its captions has
one of the words for it. Of the first ten answers: how many show what is asked for, how many show what they
should be unlike, and how many show the one without the other, for the query alone, with `-` and a weight, and
with `+` in its place. Prints a table, and writes JSON.
"""

import argparse
import json
import os
import subprocess

WORDS = {
    "people": "man woman boy girl people person men women child children kid kids boys girls lady guy group crowd "
    "couple baby toddler surfer skier snowboarder player climber hiker biker cyclist swimmer",
    "a dog": "dog dogs puppy puppies",
    "a car": "car cars truck vehicle taxi",
    "grass": "grass grassy field lawn yard",
    "water": "water ocean sea lake river pool wave waves beach splash splashing",
    "a man": "man men boy boys biker cyclist guy person",
    "a beach": "beach sand sandy shore ocean sea",
    "snow": "snow snowy ski skis skier snowboard snowboarder",
    "a street": "street road city sidewalk",
    "a ball": "ball balls soccer football basketball baseball tennis",
    "a bike": "bike bicycle biker bikes cyclist motorcycle bmx bicyclist",
    "a mountain": "mountain mountains cliff hill rock peak climber",
}
PAIRS = [
    ("a beach", "people"), ("snow", "people"), ("grass", "a dog"), ("water", "people"), ("a street", "a car"),
    ("a dog", "grass"), ("a ball", "a dog"), ("a bike", "a man"), ("a dog", "water"), ("a mountain", "people"),
]
WAYS = ["alone", "- 0.25*", "- 0.5*", "- 1*", "- 2*", "+ 1*"]


def shows(captions, hit, thing):
    words = " ".join(captions[os.path.basename(hit["path"])]).lower().replace(".", " ").replace(",", " ").split()
    return not set(words).isdisjoint(WORDS[thing].split())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("blip")
    parser.add_argument("index")
    parser.add_argument("captions")
    parser.add_argument("--model")
    parser.add_argument("--json")
    arguments = parser.parse_args()
    with open(arguments.captions) as file:
        captions = {os.path.basename(picture["image"]): picture["caption"] for picture in json.load(file)}
    rows = []
    for depth in ["0", "16"]:
        for way in WAYS:
            asked = unlike = right = count = 0
            for like, other in PAIRS:
                query = [like] if way == "alone" else [like, way[0], way[2:] + other]
                command = [arguments.blip, "search", *query, "--rerank", depth, "--json", "-k", "10"]
                command += ["--index", arguments.index]
                if arguments.model:
                    command += ["--model", arguments.model]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                hits = [json.loads(line) for line in done.stdout.splitlines()]
                count += len(hits)
                asked += sum(shows(captions, hit, like) for hit in hits)
                unlike += sum(shows(captions, hit, other) for hit in hits)
                right += sum(shows(captions, hit, like) and not shows(captions, hit, other) for hit in hits)
            rows.append({
                "rerank": int(depth), "way": way, "asked": asked / count, "unlike": unlike / count,
                "right": right / count,
            })
    print("| reranked | other term | shows what is asked for | shows the other | the one without the other |")
    print("|---|---|---|---|---|")
    for row in rows:
        figures = " | ".join(f"{100 * row[key]:.0f} %" for key in ["asked", "unlike", "right"])
        print(f"| {row['rerank']} | {row['way']} | {figures} |")
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(rows, file, indent=1)


if __name__ == "__main__":
    main()
