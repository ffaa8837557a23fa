"""Hugging Face's `generate` as a contestant of captions/compare.py, with the protocol of peers/contestant.py.

  torch_captions.py FOLDER THREADS fp32|bf16"""
import os, sys, time
import numpy as np
import torch
from transformers import BlipForConditionalGeneration

folder, threads, rounds = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "bf16"
torch.set_num_threads(threads)
model = BlipForConditionalGeneration.from_pretrained(f"{folder}/model").eval()
vision = model.config.vision_config
shape = (-1, 1 + (vision.image_size // vision.patch_size) ** 2, vision.hidden_size)
features = torch.from_numpy(np.fromfile(f"{folder}/features.f32", np.float32).reshape(shape))
prompt = torch.tensor([[30522, 1037, 3861, 1997]] * len(features))  # [DEC] a picture of
attention = torch.ones(features.shape[:-1], dtype=torch.long)
beams, ids = 1, None

for line in sys.stdin:
    request, _, rest = line.strip().partition(" ")
    if request == "about":
        print(f"about PyTorch {torch.__version__}, transformers' generate")
    elif request == "load":
        beams = 1 if rest == "greedy" else 3
        print(f"ready {len(features)}")
    elif request == "run":
        start = time.perf_counter()
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=rounds):
            ids = model.text_decoder.generate(
                input_ids=prompt, encoder_hidden_states=features, encoder_attention_mask=attention, num_beams=beams,
                do_sample=False, max_length=20, min_length=5, eos_token_id=102, pad_token_id=0)
        print(f"took {time.perf_counter() - start}")
    elif request == "save":
        out = np.zeros((len(features), 20), np.float32)
        for row, sequence in zip(out, ids.tolist()):
            end = sequence.index(102) + 1 if 102 in sequence else len(sequence)
            row[:end] = sequence[:end]
        out.tofile(rest)
        print("saved")
    sys.stdout.flush()
