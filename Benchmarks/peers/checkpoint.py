"""Makes a BLIP-base with seeded random weights in Hugging Face's layout: speed does not depend on the values,
and comparing outputs at full size needs no published checkpoint."""
import json, os, shutil
import numpy as np
import torch
from transformers import BlipConfig, BlipForImageTextRetrieval
from contestant import MEAN, STD
from workloads import BASE_SIDE

VOCABULARY = os.path.join(os.path.dirname(__file__), "../../Sources/BLIP/Resources/blip-mini/vocab.txt")


def configuration():
    """The configuration of the published BLIP-base, which has 12 text heads; Hugging Face's default is 8."""
    size = dict(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12)
    return BlipConfig(
        text_config=dict(size, vocab_size=30524, encoder_hidden_size=768, max_position_embeddings=512),
        vision_config=dict(size, image_size=BASE_SIDE, patch_size=16), image_text_hidden_size=256)


def randomise(model, seed):
    """Biases and norms are random too, so that omitting one is detected; queries and keys are large, so that
    attention is not uniform and a wrong scale is detected."""
    generator = np.random.Generator(np.random.PCG64(seed))
    for name, parameter in sorted(model.named_parameters()):
        z = generator.standard_normal(tuple(parameter.shape), dtype=np.float32)
        if "norm" in name.lower():
            z = 1 + 0.1 * z if name.endswith("weight") else 0.05 * z
        elif name.endswith("bias") or name.endswith("_embedding") or "position_embeddings" in name:
            z = 0.02 * z
        elif "word_embeddings" in name:
            z = 0.05 * z
        elif parameter.ndim > 1:
            gain = 1.2 if any(part in name for part in ("query", "key", "qkv")) else 0.6
            z = gain / np.sqrt(np.prod(parameter.shape[1:])) * z
        parameter.data.copy_(torch.from_numpy(np.asarray(z, np.float32)))


def make(folder):
    path = os.path.join(folder, "base")
    model = BlipForImageTextRetrieval(configuration()).eval()
    randomise(model, 1234)
    model.save_pretrained(path)
    preprocessing(path)


def preprocessing(path):
    """Writes the files that a model folder needs in addition to the weights."""
    settings = dict(
        do_normalize=True, do_rescale=True, do_resize=True, image_mean=MEAN.tolist(), image_std=STD.tolist(),
        image_processor_type="BlipImageProcessor", resample=3, rescale_factor=1 / 255,
        size=dict(height=BASE_SIDE, width=BASE_SIDE))
    with open(os.path.join(path, "preprocessor_config.json"), "w") as file:
        json.dump(settings, file, indent=2)
    shutil.copy(VOCABULARY, path)
