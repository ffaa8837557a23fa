"""Exports the networks as ONNX graphs for ONNX Runtime and OpenVINO, in fp32 and in the int8 of each."""
import os, sys
import torch
from contestant import Inputs, decoded, normalised
from workloads import BASE_SIDE

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
sys.path.append(os.path.join(ROOT, "Benchmarks/reference"))
import blip_mini

CALIBRATION = 16  # pictures for BLIP-base; the default model, which is fast, uses all


class FixedWidths(blip_mini.Model):
    def norm(self, key, x, eps):
        """As in the reference, but with a width that is constant for the tracer."""
        weight, bias = self.w[f"{key}.weight"], self.w[f"{key}.bias"]
        return torch.nn.functional.layer_norm(x, weight.shape, weight, bias, eps)


class Mini(torch.nn.Module):
    """The default model's image encoder, from uint8 pixels [B, 224, 224, 3]: normalisation is faster in the graph
    than in Python."""

    def __init__(self):
        super().__init__()
        self.model = FixedWidths(os.path.join(ROOT, "Sources/BLIP/Resources/blip-mini"))
        self.scale = 1 / (255 * torch.tensor(self.model.pre["image_std"]))
        self.shift = -torch.tensor(self.model.pre["image_mean"]) / torch.tensor(self.model.pre["image_std"])

    def forward(self, picture):
        return self.model.image((picture.float() * self.scale + self.shift).permute(0, 3, 1, 2))[1]


class Vision(torch.nn.Module):
    def __init__(self, blip):
        super().__init__()
        self.blip = blip

    def forward(self, pixels):
        x = self.blip.vision_proj(self.blip.vision_model(pixel_values=pixels).last_hidden_state[:, 0])
        return torch.nn.functional.normalize(x, dim=-1)


class Text(Vision):
    def forward(self, ids):
        x = self.blip.text_encoder(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
        return torch.nn.functional.normalize(self.blip.text_proj(x[:, 0]), dim=-1)


class Match(Vision):
    def forward(self, ids, features):
        x = self.blip.text_encoder(
            input_ids=ids, attention_mask=torch.ones_like(ids), encoder_hidden_states=features,
            encoder_attention_mask=torch.ones_like(features[:, :, 0], dtype=torch.long)).last_hidden_state
        return self.blip.itm_head(x[:, 0])


def export(module, arguments, path, dynamic):
    """dynamic: the dynamic axes of every input, in order."""
    torch.onnx.export(
        module, arguments, path, input_names=list(dynamic), output_names=["output"], opset_version=17,
        dynamic_axes=dict(dynamic, output={0: "batch"}), dynamo=False)


def quantise(path, calibration):
    """path.onnx -> path.int8.onnx (ONNX Runtime, dynamic) and path.int8.xml (OpenVINO, NNCF)."""
    import nncf, openvino
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process
    quant_pre_process(f"{path}.onnx", f"{path}.shaped.onnx", skip_symbolic_shape=True)
    quantize_dynamic(f"{path}.shaped.onnx", f"{path}.int8.onnx", weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul", "Gemm"])
    os.remove(f"{path}.shaped.onnx")
    model = nncf.quantize(
        openvino.Core().read_model(f"{path}.onnx"), nncf.Dataset(calibration), subset_size=len(calibration),
        model_type=nncf.ModelType.TRANSFORMER, fast_bias_correction=True)
    openvino.save_model(model, f"{path}.int8.xml", compress_to_fp16=False)


def make(folder):
    from PIL import Image
    import numpy as np
    from transformers import BlipForImageTextRetrieval
    path = os.path.join(folder, "onnx")
    os.makedirs(path)
    inputs = Inputs(folder)
    blip = BlipForImageTextRetrieval.from_pretrained(os.path.join(folder, "base")).eval()
    batch, words = {0: "batch"}, {0: "batch", 1: "tokens"}
    ids, features = map(torch.from_numpy, inputs.grounded("itm-pictures", 2))
    with torch.no_grad():
        export(Vision(blip), (torch.from_numpy(inputs.pixels()),), f"{path}/vision.onnx", {"pixels": batch})
        export(Text(blip), (ids,), f"{path}/text.onnx", {"ids": words})
        export(Match(blip), (ids, features), f"{path}/itm.onnx", {"ids": words, "features": batch})
        export(Mini(), (torch.from_numpy(inputs.picture(224)),), f"{path}/mini.onnx", {"picture": batch})
    files = inputs.jpegs()
    large = [np.asarray(Image.open(file).resize((BASE_SIDE, BASE_SIDE), Image.BICUBIC))[None] for file in files[:CALIBRATION]]
    quantise(f"{path}/vision", [normalised(picture) for picture in large])
    quantise(f"{path}/mini", [decoded(file) for file in files])
