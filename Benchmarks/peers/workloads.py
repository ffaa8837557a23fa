"""The workloads that are measured, under the names that all contestants use."""
from dataclasses import dataclass

BASE_SIDE, MINI_SIDE = 384, 224
CANDIDATES, TOKENS = 64, 12
PATCHES, WIDTH = 577, 768
ENC = 30523  # replaces [CLS] in the image-grounded text encoder


@dataclass(frozen=True)
class Workload:
    name: str
    title: str
    unit: str      # "ms": per picture, candidate or text; "1/s": pictures per second
    outputs: str   # "embeddings" or "logits": how outputs are compared
    precisions: tuple = ("fp32", "bf16", "int8")  # that peers support; blip supports all


GROUNDED = ("fp32", "bf16")
WORKLOADS = [
    Workload("vision", "ViT-B/16 384, one picture", "ms", "embeddings"),
    Workload("itm-pictures", f"ITM, one text of {TOKENS} tokens, {CANDIDATES} pictures: per candidate", "ms", "logits", GROUNDED),
    Workload("itm-texts", f"ITM, {CANDIDATES} texts of {TOKENS} tokens, one picture: per candidate", "ms", "logits", GROUNDED),
    Workload("text", f"text encoder, {TOKENS} tokens", "ms", "embeddings", GROUNDED),
    Workload("mini-vision", "default model, image encoder, one picture", "ms", "embeddings"),
    Workload("mini-jpegs", "default model, from 640×480 JPEG files to embeddings", "1/s", "embeddings"),
]

# The smallest cosine of two embeddings, and the largest difference of two logits, that count as
# agreement with PyTorch's fp32. With random weights, int8's deviation does not show its real loss
# of accuracy.
COSINE = {"fp32": 0.99999, "bf16": 0.9995, "int8": 0.9}
LOGITS = {"fp32": 1e-3, "bf16": 0.05, "int8": 0.5}
