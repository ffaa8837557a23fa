"""PyTorch as a contestant: Hugging Face's BLIP, and blip_mini.py for the default model.

  torch_peer.py FOLDER fp32|bf16 THREADS       bf16 by autocast with fp32 weights, as is usual
"""
import os
import torch
from transformers import BlipForImageTextRetrieval
from contestant import Inputs, arguments, embed_files, serve
from export import Mini

BATCH = 16

a = arguments("fp32", "bf16")
inputs = Inputs(a.folder)
torch.set_num_threads(a.threads)


def grounded(model, work):
    ids, features = map(torch.from_numpy, inputs.grounded(work, BATCH))
    mask, all_patches = torch.ones_like(ids), torch.ones(features.shape[:2], dtype=torch.long)
    return lambda: model.itm_head(model.text_encoder(
        input_ids=ids, attention_mask=mask, encoder_hidden_states=features,
        encoder_attention_mask=all_patches).last_hidden_state[:, 0])


def encoding(work):
    if work.startswith("mini"):
        return Mini(), None
    model = BlipForImageTextRetrieval.from_pretrained(os.path.join(a.folder, "base")).eval()
    unit = lambda x: torch.nn.functional.normalize(x.float(), dim=-1)
    if work == "vision":
        pixels = torch.from_numpy(inputs.pixels())
        return model, lambda: unit(model.vision_proj(model.vision_model(pixel_values=pixels).last_hidden_state[:, 0]))
    if work == "text":
        ids = torch.from_numpy(inputs.text())
        mask = torch.ones_like(ids)
        return model, lambda: unit(model.text_proj(
            model.text_encoder(input_ids=ids, attention_mask=mask).last_hidden_state[:, 0]))
    return model, grounded(model, work)


def load(work):
    model, forward = encoding(work)
    count = BATCH if work.startswith("itm") else 1

    def compute(forward):
        # Both settings apply to the calling thread only.
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=a.precision == "bf16"):
            return forward().float().numpy()

    if work == "mini-vision":
        picture = torch.from_numpy(inputs.picture(224))
        forward = lambda: model(picture)
    elif work == "mini-jpegs":
        torch.set_num_threads(1)
        files = inputs.jpegs()
        embed = lambda picture: compute(lambda: model(torch.from_numpy(picture.copy())))
        return len(files), lambda: embed_files(files, a.threads, embed)
    return count, lambda: compute(forward)


serve(f"PyTorch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}", load)
