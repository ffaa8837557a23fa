"""Makes what the contestants need: the random BLIP-base, the inputs, the ONNX graphs. What is there
already is left alone; delete a folder to have it made again.

  prepare.py FOLDER
"""
import importlib, os, shutil, sys

folder = sys.argv[1]
for part, module in (("base", "checkpoint"), ("inputs", "inputs"), ("onnx", "export")):
    path = os.path.join(folder, part)
    # Written last, so that what an interrupted run left is made again.
    complete = os.path.join(path, "complete")
    if not os.path.exists(complete):
        print(f"making {path}", flush=True)
        shutil.rmtree(path, ignore_errors=True)
        importlib.import_module(module).make(folder)
        open(complete, "w").close()
