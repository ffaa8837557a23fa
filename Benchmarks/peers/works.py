"""What is measured: the pieces of work that every contestant is asked for, by the names they use."""
from dataclasses import dataclass

BASE_SIDE, MINI_SIDE = 384, 224
CANDIDATES, TOKENS = 64, 12
PATCHES, WIDTH = 577, 768
ENC = 30523  # stands in place of [CLS] where a text looks at a picture


@dataclass(frozen=True)
class Work:
    name: str
    title: str
    unit: str      # "ms": of one picture, candidate or text; "1/s": of pictures
    outputs: str   # "embeddings" or "logits": how two contestants' answers are held together
    precisions: tuple = ("fp32", "bf16", "int8")  # of the peers that do it; blip does it in all


GROUNDED = ("fp32", "bf16")
WORKS = [
    Work("vision", "ViT-B/16 384, one picture", "ms", "embeddings"),
    Work("itm-pictures", f"ITM, one text of {TOKENS} tokens, {CANDIDATES} pictures: a candidate", "ms", "logits", GROUNDED),
    Work("itm-texts", f"ITM, {CANDIDATES} texts of {TOKENS} tokens, one picture: a candidate", "ms", "logits", GROUNDED),
    Work("text", f"text encoder, {TOKENS} tokens", "ms", "embeddings", GROUNDED),
    Work("mini-vision", "default model, image encoder, one picture", "ms", "embeddings"),
    Work("mini-jpegs", "default model, from 640×480 JPEG files to embeddings", "1/s", "embeddings"),
]

# The least cosine of two embeddings, and the largest difference of two logits, that count as agreement
# with PyTorch's fp32. Of int8 the figure is shown; random weights are no measure of what it costs.
COSINE = {"fp32": 0.99999, "bf16": 0.9995, "int8": 0.9}
LOGITS = {"fp32": 1e-3, "bf16": 0.05, "int8": 0.5}
