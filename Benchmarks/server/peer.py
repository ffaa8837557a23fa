"""The peer of `blip serve`: text search as people write it with FastAPI, PyTorch and faiss, of the same model and vectors.

  MODEL=… REFERENCE=… EXPORT=… INDEX=flat|hnsw THREADS=2 uvicorn peer:app --port 8301"""

import json
import os
import sys

import faiss
import numpy
import torch
from fastapi import FastAPI

sys.path.insert(0, os.environ["REFERENCE"])
from reference import Model  # noqa: E402  (the model in PyTorch, ../shared/models/reference.py)

torch.set_num_threads(int(os.environ.get("THREADS", "2")))
faiss.omp_set_num_threads(int(os.environ.get("THREADS", "2")))
export = os.environ["EXPORT"]
model = Model(os.environ["MODEL"])
vectors = numpy.load(f"{export}/img_emb/img_emb_0.npy")
rows = [json.loads(line) for line in open(f"{export}/metadata/metadata_0.jsonl")]
if os.environ.get("INDEX", "hnsw") == "flat":
    index = faiss.IndexFlatIP(vectors.shape[1])
else:
    index = faiss.IndexHNSWFlat(vectors.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efSearch = 64
index.add(vectors)
app = FastAPI()


@app.get("/api/search")
def search(q: str, limit: int = 10):
    with torch.inference_mode():
        embedding = model.embed(*model.ids([q]))
    scores, found = index.search(embedding.numpy(), limit)
    return {"results": [{"cosine": float(s), **rows[i]} for s, i in zip(scores[0], found[0])]}
