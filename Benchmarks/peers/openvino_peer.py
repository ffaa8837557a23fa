"""OpenVINO as a contestant.

  openvino_peer.py FOLDER fp32|bf16|int8 THREADS
bf16 is a hint: on a processor without bf16 instructions it computes in fp32. int8: calibrated by NNCF.
"""
import os, threading
import openvino
from contestant import Inputs, arguments, embed_files, serve

BATCH = 16

a = arguments("fp32", "bf16", "int8")
inputs = Inputs(a.folder)
core = openvino.Core()


def compiled(name, shapes, streams=1):
    file = f"{name}.int8.xml" if a.precision == "int8" else f"{name}.onnx"
    model = core.read_model(os.path.join(a.folder, "onnx", file))
    model.reshape(shapes)
    return core.compile_model(model, "CPU", {
        "INFERENCE_NUM_THREADS": a.threads, "NUM_STREAMS": streams,
        "INFERENCE_PRECISION_HINT": "bf16" if a.precision == "bf16" else "f32"})


def load(work):
    if work == "mini-jpegs":
        model, files = compiled("mini", {"picture": [1, 224, 224, 3]}, streams=a.threads), inputs.jpegs()
        own = threading.local()

        def embed(picture):
            if not hasattr(own, "request"):
                own.request = model.create_infer_request()
            return own.request.infer({"picture": picture})[0].copy()

        return len(files), lambda: embed_files(files, a.threads, embed)
    count, name, feed = inputs.feed(work, BATCH)
    request = compiled(name, {key: list(value.shape) for key, value in feed.items()}).create_infer_request()
    return count, lambda: request.infer(feed, share_inputs=True)[0]


capabilities = " ".join(core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"))
serve(f"OpenVINO {openvino.__version__}, on this processor: {capabilities}", load)
