"""Makes the inputs of the contestants: pictures, token ids, patch features, JPEG files.

The JPEGs are made from ../shared/data/flickr8k-dev if it exists, else from scikit-image's pictures."""
import glob, json, os
import numpy as np
from PIL import Image
from workloads import BASE_SIDE, CANDIDATES, MINI_SIDE, PATCHES, TOKENS, WIDTH

JPEGS, JPEG_SIZE = 64, (640, 480)
PHOTOGRAPHS = os.path.join(os.path.dirname(__file__), "../../../shared/data/flickr8k-dev/images")


def photographs():
    files = sorted(glob.glob(os.path.join(PHOTOGRAPHS, "*.jpg")))[:JPEGS]
    if files:
        return [Image.open(file).convert("RGB") for file in files]
    from skimage import data
    return [Image.fromarray(picture()) for picture in (data.astronaut, data.coffee, data.chelsea, data.rocket)]


def make(folder):
    path = os.path.join(folder, "inputs")
    os.makedirs(os.path.join(path, "jpegs"))
    sources = photographs()
    for index in range(JPEGS):
        # If there are few, each is used several times, flipped and cropped differently.
        picture, turn = sources[index % len(sources)], index // len(sources)
        cut = picture.crop((turn, turn, picture.width - turn, picture.height - turn))
        cut = cut.transpose(Image.FLIP_LEFT_RIGHT) if turn % 2 else cut
        cut.resize(JPEG_SIZE, Image.LANCZOS).save(os.path.join(path, "jpegs", f"{index:03}.jpg"), quality=90)
    for side in (BASE_SIDE, MINI_SIDE):
        np.asarray(sources[0].resize((side, side), Image.BICUBIC)).tofile(os.path.join(path, f"picture{side}.u8"))

    generator = np.random.default_rng(5)
    ids = generator.integers(1000, 20000, (CANDIDATES, TOKENS))
    ids[:, 0], ids[:, -1] = 101, 102
    with open(os.path.join(path, "tokens.json"), "w") as file:
        json.dump(dict(text=ids[0].tolist(), texts=ids.tolist()), file)

    # A component shared by a picture's patches gives each picture distinct logits.
    shared = generator.standard_normal((CANDIDATES, 1, WIDTH), dtype=np.float32)
    single = generator.standard_normal((CANDIDATES, PATCHES, WIDTH), dtype=np.float32)
    (0.7 * shared + 0.7 * single).tofile(os.path.join(path, "features.f32"))
