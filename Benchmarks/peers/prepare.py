"""Makes what the contestants need: the random BLIP-base, the inputs, the ONNX graphs. Existing folders are kept;
delete a folder to make it again.

  prepare.py FOLDER
"""
import importlib, os, shutil, sys

folder = sys.argv[1]
for part, module in (("base", "checkpoint"), ("inputs", "inputs"), ("onnx", "export")):
    path = os.path.join(folder, part)
    # Written last, so that incomplete folders of an interrupted run are made again.
    complete = os.path.join(path, "complete")
    if not os.path.exists(complete):
        print(f"making {path}", flush=True)
        shutil.rmtree(path, ignore_errors=True)
        importlib.import_module(module).make(folder)
        open(complete, "w").close()
