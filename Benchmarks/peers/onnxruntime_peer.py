"""ONNX Runtime as a contestant.

  onnxruntime_peer.py FOLDER fp32|int8 THREADS       int8: dynamic quantisation of matrix products
"""
import os
import onnxruntime
from contestant import Inputs, arguments, embed_files, serve

BATCH = 16

a = arguments("fp32", "int8")
inputs = Inputs(a.folder)


def session(name, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    file = f"{name}.int8.onnx" if a.precision == "int8" else f"{name}.onnx"
    return onnxruntime.InferenceSession(os.path.join(a.folder, "onnx", file), options, providers=["CPUExecutionProvider"])


def load(work):
    if work == "mini-jpegs":
        # Each thread processes a picture from file to embedding, independently of the others.
        mini, files = session("mini", 1), inputs.jpegs()
        return len(files), lambda: embed_files(files, a.threads, lambda picture: mini.run(None, {"picture": picture})[0])
    count, name, feed = inputs.feed(work, BATCH)
    model = session(name, a.threads)
    return count, lambda: model.run(None, feed)[0]


serve(f"ONNX Runtime {onnxruntime.__version__}", load)
