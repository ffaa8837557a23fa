"""The small default model in PyTorch, fp32: the reference for the Swift engine.

  python blip_mini.py dump MODEL OUT.safetensors PICTURE...    activations of every stage
  python blip_mini.py eval MODEL CAPTIONS.json [--depths 0,16] [--weights 1,20] [--out STEM]  BLIP's retrieval evaluation
  python blip_mini.py captions MODEL CAPTIONS.json              greedy captions and their CIDEr-D
Needs torch, numpy, pillow, safetensors, tokenizers, and for captions pycocoevalcap (PyPI).
"""
import argparse, json, os, re, time
import numpy as np, torch, torch.nn.functional as F
from PIL import Image, ImageOps
from safetensors.torch import load_file, save_file
from tokenizers import BertWordPieceTokenizer

DEC, ENC = 30522, 30523


class Model:
    def __init__(self, folder):
        self.config = json.load(open(os.path.join(folder, "config.json")))
        self.pre = json.load(open(os.path.join(folder, "preprocessor_config.json")))
        raw = load_file(os.path.join(folder, "model.safetensors"))
        self.w = {}
        for k, x in raw.items():
            if k.endswith("_scale"):
                continue
            s = raw.get(k + "_scale")
            self.w[k] = x if s is None else (x.flatten(1).float() * s[:, None]).view(x.shape)
        self.tok = BertWordPieceTokenizer(os.path.join(folder, "vocab.txt"), lowercase=True)
        self.vision, self.text = self.config["vision_config"], self.config["text_config"]

    def linear(self, k, x):
        return F.linear(x, self.w[k + ".weight"], self.w[k + ".bias"])

    def norm(self, k, x, eps):
        return F.layer_norm(x, x.shape[-1:], self.w[k + ".weight"], self.w[k + ".bias"], eps)

    def pixels(self, path):
        """RGB over white, upright, resized with Pillow's bicubic filter, normalised: [3, S, S]."""
        im = ImageOps.exif_transpose(Image.open(path))
        if im.mode in ("RGBA", "LA", "P", "PA"):
            im = im.convert("RGBA"); bg = Image.new("RGBA", im.size, (255,) * 4); bg.alpha_composite(im); im = bg
        s = self.pre["size"]["height"]
        x = np.asarray(im.convert("RGB").resize((s, s), Image.BICUBIC), dtype=np.float32) / 255
        x = (x - np.array(self.pre["image_mean"], np.float32)) / np.array(self.pre["image_std"], np.float32)
        return torch.from_numpy(np.ascontiguousarray(x.transpose(2, 0, 1)))

    def stem(self, x):
        """[B, 3, S, S] -> [B, 1280, S/32, S/32]. pad is top, left, bottom, right; add is the layer whose output is added."""
        outs = []
        for i, l in enumerate(self.vision["stem"]["layers"]):
            k = f"vision_model.embeddings.stem.{i}"
            t, le, b, r = l["pad"]
            y = F.conv2d(F.pad(x, (le, r, t, b)), self.w[k + ".weight"], self.w[k + ".bias"], stride=l["stride"], groups=l["in"] if l["kind"] == "depthwise" else 1)
            if l["add"] is not None: y = y + outs[l["add"]]
            if l["relu6"]: y = y.clamp(0, 6)
            outs.append(y); x = y
        return x

    def heads(self, x, h):
        return x.view(x.shape[0], x.shape[1], h, -1).transpose(1, 2)

    def image(self, px, trace=None):
        """[B, 3, S, S] -> patch features [B, 1+P, D] and embeddings [B, 256]."""
        e = "vision_model.embeddings."
        m = self.stem(px)
        x = F.conv2d(m, self.w[e + "patch_embedding.weight"], self.w[e + "patch_embedding.bias"]).flatten(2).transpose(1, 2)
        x = torch.cat([self.w[e + "class_embedding"].expand(len(x), -1, -1), x], 1) + self.w[e + "position_embedding"]
        if trace is not None: trace.update({"stem": m, "embeddings": x})
        h, eps = self.vision["num_attention_heads"], self.vision["layer_norm_eps"]
        for i in range(self.vision["num_hidden_layers"]):
            p = f"vision_model.encoder.layers.{i}."
            q, k, v = self.linear(p + "self_attn.qkv", self.norm(p + "layer_norm1", x, eps)).chunk(3, -1)
            a = F.scaled_dot_product_attention(self.heads(q, h), self.heads(k, h), self.heads(v, h)).transpose(1, 2).flatten(2)
            x = x + self.linear(p + "self_attn.projection", a)
            x = x + self.linear(p + "mlp.fc2", F.gelu(self.linear(p + "mlp.fc1", self.norm(p + "layer_norm2", x, eps))))
            if trace is not None: trace[f"vision.layer.{i}"] = x
        x = self.norm("vision_model.post_layernorm", x, eps)
        return x, F.normalize(self.linear("vision_proj", x[:, 0]), dim=-1)

    def attention(self, p, q_in, kv_in, mask=None):
        h = self.text["num_attention_heads"]
        q, k, v = (self.heads(self.linear(f"{p}.self.{n}", s), h) for n, s in (("query", q_in), ("key", kv_in), ("value", kv_in)))
        a = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2)
        return self.norm(p + ".output.LayerNorm", q_in + self.linear(p + ".output.dense", a), self.text["layer_norm_eps"])

    def tower(self, ids, att, features=None, decode=False, trace=None, tag=""):
        """[B, T] -> [B, T, H]; with features: image-grounded; decode: causal self-attention of the decoder."""
        e, eps = "text_encoder.embeddings.", self.text["layer_norm_eps"]
        x = self.norm(e + "LayerNorm", self.w[e + "word_embeddings.weight"][ids] + self.w[e + "position_embeddings.weight"][: ids.shape[1]], eps)
        mask = att[:, None, None, :].bool()
        if decode: mask = mask & torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool).tril()
        for i in range(self.text["num_hidden_layers"]):
            p = f"text_encoder.encoder.layer.{i}."
            x = self.attention((f"text_decoder.bert.encoder.layer.{i}." if decode else p) + "attention", x, x, mask)
            if features is not None: x = self.attention(p + "crossattention", x, features)
            x = self.norm(p + "output.LayerNorm", x + self.linear(p + "output.dense", F.gelu(self.linear(p + "intermediate.dense", x))), eps)
            if trace is not None: trace[f"{tag}.layer.{i}"] = x
        return x

    def embed(self, ids, att):
        return F.normalize(self.linear("text_proj", self.tower(ids, att)[:, 0]), dim=-1)

    def match(self, ids, att, features):
        """ITM logits [B, 2]; index 1 is a match. [ENC] replaces [CLS]."""
        ids = ids.clone(); ids[:, 0] = ENC
        return self.linear("itm_head", self.tower(ids, att, features)[:, 0])

    def keys(self, features):
        """The cross-attention keys and values of a picture, [1, 1+P, D], in every layer."""
        h = self.text["num_attention_heads"]
        p = "text_encoder.encoder.layer.{}.crossattention.self.{}".format
        return [[self.heads(self.linear(p(i, n), features), h) for n in ("key", "value")] for i in range(self.text["num_hidden_layers"])]

    def match_picture(self, ids, keys):
        """ITM logits [B, 2] of texts of equal length with one picture; the last layer computes only row 0."""
        e, eps, h = "text_encoder.embeddings.", self.text["layer_norm_eps"], self.text["num_attention_heads"]
        ids = ids.clone(); ids[:, 0] = self.text.get("enc_token_id", ENC)
        x = self.norm(e + "LayerNorm", self.w[e + "word_embeddings.weight"][ids] + self.w[e + "position_embeddings.weight"][: ids.shape[1]], eps)
        for i, (k, v) in enumerate(keys):
            p = f"text_encoder.encoder.layer.{i}."; c = p + "crossattention"
            x = self.attention(p + "attention", x[:, :1] if i == len(keys) - 1 else x, x)
            q = self.heads(self.linear(c + ".self.query", x), h)
            a = F.scaled_dot_product_attention(q, k.expand(len(x), -1, -1, -1), v.expand(len(x), -1, -1, -1)).transpose(1, 2).flatten(2)
            x = self.norm(c + ".output.LayerNorm", x + self.linear(c + ".output.dense", a), eps)
            x = self.norm(p + "output.LayerNorm", x + self.linear(p + "output.dense", F.gelu(self.linear(p + "intermediate.dense", x))), eps)
        return self.linear("itm_head", x[:, 0])

    def logits(self, x):
        p = "text_decoder.cls.predictions."
        x = self.norm(p + "transform.LayerNorm", F.gelu(self.linear(p + "transform.dense", x)), self.text["layer_norm_eps"])
        return F.linear(x, self.w["text_encoder.embeddings.word_embeddings.weight"], self.w[p + "bias"])

    def caption(self, features, steps=20):
        """Greedy, one picture: [1, 1+P, D] -> ids without [DEC] and [SEP]."""
        ids = torch.tensor([[DEC]])
        for _ in range(steps):
            n = int(self.logits(self.tower(ids, torch.ones_like(ids), features, decode=True))[0, -1].argmax())
            if n == 102: break
            ids = torch.cat([ids, torch.tensor([[n]])], 1)
        return ids[0, 1:].tolist()

    def ids(self, texts, longest=35):
        rows = [self.tok.encode(clean(t)).ids for t in texts]
        rows = [r if len(r) <= longest else r[: longest - 1] + [102] for r in rows]
        out = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long)
        for i, r in enumerate(rows): out[i, : len(r)] = torch.tensor(r)
        return out, (out != 0).long()


def clean(t, words=30):
    t = re.sub(r"\s{2,}", " ", re.sub(r"([.!\"()*#:;~])", " ", t.lower())).rstrip("\n").strip(" ")
    return " ".join(t.split(" ")[:words])


@torch.no_grad()
def dump(m, out, pictures):
    t = {}; px = torch.stack([m.pixels(p) for p in pictures]); t["pixel_values"] = px
    feats, emb = m.image(px, t); t["vision.last_hidden_state"], t["image_embedding"] = feats, emb
    texts = ["a dog running on the beach", "a woman in an orange suit smiles at the camera", "a cup of coffee on a wooden table", "two men"]
    ids, att = m.ids(texts); t["input_ids"], t["attention_mask"] = ids, att
    t["text_embedding"] = m.embed(ids, att)
    m.tower(ids, att, trace=t, tag="text")
    enc = ids.clone(); enc[:, 0] = ENC
    for j in range(len(px)):
        f = feats[j : j + 1].expand(len(ids), -1, -1)
        m.tower(enc, att, f, trace=t, tag=f"itm.{j}"); t[f"itm_logits.{j}"] = m.match(ids, att, f)
        d = m.ids(["a picture of a man riding a horse"])[0][:, :-1].clone(); d[:, 0] = DEC
        t["decoder_input_ids"] = d; t[f"decoder_logits.{j}"] = m.logits(m.tower(d, torch.ones_like(d), feats[j : j + 1], decode=True))
        t[f"greedy_ids.{j}"] = torch.tensor(m.caption(feats[j : j + 1])); print(pictures[j], "->", m.tok.decode(t[f"greedy_ids.{j}"].tolist()))
    save_file({k: v.contiguous() for k, v in t.items()}, out)
    print(texts, "cosine\n", (t["text_embedding"] @ emb.T).numpy().round(3))


def best(scores, depth):
    """The columns of the greatest scores of every row; ties go to the first."""
    return np.argsort(-scores, axis=1, kind="stable")[:, :depth]


def recalls(scores, answers):
    """BLIP's itm_eval in one direction: R@1, R@5, R@10 and their mean. Its argsort()[::-1] puts the last of
    equal scores first (a stable sort makes this deterministic)."""
    ranks = [min(np.where(np.argsort(row, kind="stable")[::-1] == g)[0][0] for g in good) for row, good in zip(scores, answers)]
    r = [100.0 * float(np.mean(np.array(ranks) < c)) for c in (1, 5, 10)]
    return r + [sum(r) / 3]


def metrics(sim, logits, owner, pictures, depth, weight):
    """BLIP's evaluation at a rerank depth: sim and logits are [texts, pictures]; other candidates get -100."""
    found = {}
    for key, s, itm, good in (
        ("txt", sim.T, logits.T, [np.where(owner == i)[0] for i in range(pictures)]),
        ("img", sim, logits, [[o] for o in owner]),
    ):
        scores = s
        if depth:
            top = best(s, depth); scores = np.full_like(s, -100.0)
            np.put_along_axis(scores, top, np.take_along_axis(itm, top, 1) + np.float32(weight) * np.take_along_axis(s, top, 1), 1)
        found.update(zip([f"{key}_r1", f"{key}_r5", f"{key}_r10", f"{key}_r_mean"], recalls(scores, good)))
    found["r_mean"] = (found["txt_r_mean"] + found["img_r_mean"]) / 2
    return found


@torch.no_grad()
def evaluate(m, path, depths, weights, out):
    """BLIP's retrieval evaluation: the pairs of all depths are scored once, picture by picture, smaller depths first.
    Prints the metrics by cosine weight and depth and writes them to OUT.json; writes logits to OUT.npz."""
    rows = json.load(open(path)); root = os.path.dirname(path); feats, emb, texts, owner = [], [], [], []
    for i in range(0, len(rows), 50):
        f, e = m.image(torch.stack([m.pixels(os.path.join(root, r["image"])) for r in rows[i : i + 50]])); feats.append(f); emb.append(e)
    for i, r in enumerate(rows):
        c = r["caption"] if isinstance(r["caption"], list) else [r["caption"]]; texts += c; owner += [i] * len(c)
    feats, emb, owner = torch.cat(feats), torch.cat(emb).numpy(), np.array(owner)
    ids, att = m.ids(texts); length = att.sum(1).numpy(); te = np.zeros((len(texts), emb.shape[1]), np.float32)
    for n in np.unique(length):
        for b in np.array_split(np.where(length == n)[0], np.sum(length == n) // 200 + 1): te[b] = m.embed(ids[b, :n], att[b, :n]).numpy()
    sim = te @ emb.T; logits = np.full((2, *sim.shape), np.nan, np.float32); result = {"weights": {str(w): {} for w in weights}}
    started = time.time(); pairs = 0
    for d in sorted(depths):
        wanted = np.zeros(sim.shape, bool)
        if d: np.put_along_axis(wanted, best(sim, d), True, 1); np.put_along_axis(wanted.T, best(sim.T, d), True, 1)
        wanted &= np.isnan(logits[0])
        for i in range(len(rows)):
            keys = m.keys(feats[i : i + 1])
            for n in np.unique(length[wanted[:, i]]):
                group = np.where(wanted[:, i] & (length == n))[0]
                for b in np.array_split(group, len(group) // 64 + 1): logits[:, b, i] = m.match_picture(ids[b, :n], keys).numpy().T; pairs += len(b)
            if i % 50 == 0: print(f"depth {d}: picture {i}, {pairs} pairs, {time.time() - started:.0f} s", flush=True)
        for w in weights:
            result["weights"][str(w)][str(d)] = found = metrics(sim, logits[1], owner, len(rows), d, w)
            print("weight", w, "depth", d, {k: round(v, 2) for k, v in found.items()}, flush=True)
        result.update(pairs=pairs, seconds=time.time() - started, threads=torch.get_num_threads())
        if out:
            json.dump(result, open(out + ".json", "w"), indent=1)
            np.savez_compressed(out + ".npz", logits=logits, sim=sim, owner=owner)
    return result


@torch.no_grad()
def captions(m, path):
    """Captions the pictures greedily; prints the first 20 captions, and CIDEr-D by the COCO scorer. Its tokenizer is a
    Java program that lower-cases and removes punctuation, which is done here instead."""
    from pycocoevalcap.cider.cider import Cider
    rows = json.load(open(path)); root = os.path.dirname(path); found, truth = {}, {}
    words = lambda text: " ".join(re.findall(r"[a-z0-9'-]+", text.lower()))
    for i, r in enumerate(rows):
        ids = m.caption(m.image(m.pixels(os.path.join(root, r["image"]))[None])[0])
        found[i] = [words(m.tok.decode(ids))]
        truth[i] = [words(c) for c in (r["caption"] if isinstance(r["caption"], list) else [r["caption"]])]
        if i < 20: print(r["image"], "|", found[i][0], flush=True)
    print("CIDEr-D", round(float(Cider().compute_score(truth, found)[0]), 4))


if __name__ == "__main__":
    a = argparse.ArgumentParser(); a.add_argument("what", choices=["dump", "eval", "captions"]); a.add_argument("model"); a.add_argument("rest", nargs="+"); a.add_argument("--depths", default="0,16"); a.add_argument("--weights"); a.add_argument("--out"); a.add_argument("--threads", type=int)
    a = a.parse_args(); model = Model(a.model)
    if a.what == "dump": dump(model, a.rest[0], a.rest[1:])
    elif a.what == "captions": captions(model, a.rest[0])
    else:
        if a.threads: torch.set_num_threads(a.threads)
        weights = [float(w) for w in a.weights.split(",")] if a.weights else [float(model.config.get("blip", {}).get("itc_weight", 1))]
        evaluate(model, a.rest[0], [int(d) for d in a.depths.split(",")], weights, a.out)
