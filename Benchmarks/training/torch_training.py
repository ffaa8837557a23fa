"""PyTorch as a contestant of `make bench-train`: the default model as defined by ../reference/blip_mini.py,
with given stem features and texts padded to the longest in the batch, as in BLIP's training.

  torch_training.py FOLDER OBJECTIVE THREADS fp32|bf16      bf16 by autocast
"""
import copy, json, os, sys
import numpy as np, torch, torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, folder) for folder in ("../peers", "../reference", "../fixtures")]
import blip_mini
from contestant import serve
from make_objective_fixtures import Queues, contrastive

MODEL = os.path.join(HERE, "../../Sources/BLIP/Resources/blip-mini")
QUEUE, EMBEDDING, PAD = 8192, 256, 0


class Model(blip_mini.Model):
    def image(self, stem):
        self.stem = lambda x: x
        return super().image(stem)

    def language_loss(self, ids, att, features):
        ids = ids.clone(); ids[:, 0] = blip_mini.DEC
        targets = ids.masked_fill(ids == PAD, -100)
        logits = self.logits(self.tower(ids, att, features, decode=True))
        return F.cross_entropy(logits[:, :-1].flatten(0, 1), targets[:, 1:].flatten(), ignore_index=-100, label_smoothing=0.1)


folder, objective, threads, precision = sys.argv[1:]
torch.set_num_threads(int(threads))
torch.manual_seed(1)
texts = json.load(open(f"{folder}/texts.json"))
B = len(texts)
ids = torch.zeros(B, max(map(len, texts)), dtype=torch.long)
for i, t in enumerate(texts): ids[i, :len(t)] = torch.tensor(t)
att = (ids != PAD).long()
stem = torch.from_numpy(np.fromfile(f"{folder}/stem.f32", np.float32).reshape(B, 7, 7, 1280)).permute(0, 3, 1, 2).contiguous()

m = Model(MODEL)
m.w = {k: x.float() for k, x in m.w.items() if ".stem." not in k}
m.w.setdefault("temp", torch.tensor(0.07))
momentum = copy.copy(m)
momentum.w = {k: x.clone() for k, x in m.w.items()}
for x in m.w.values(): x.requires_grad_()
queues = Queues(QUEUE, EMBEDDING, torch.Generator().manual_seed(1))
queues.images, queues.texts = queues.images.float(), queues.texts.float()
optimizer = torch.optim.AdamW(list(m.w.values()), lr=1e-4, weight_decay=0.05, fused=True)
own, shown = torch.arange(B), torch.arange(B)


def step():
    optimizer.zero_grad()
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        features, images = m.image(stem)
        losses = {}
        if objective != "caption":
            embedded = m.embed(ids, att)
            with torch.no_grad():
                m.w["temp"].clamp_(0.001, 0.5)
                torch._foreach_lerp_(list(momentum.w.values()), list(m.w.values()), 0.005)
                images_m, texts_m = momentum.image(stem)[1], momentum.embed(ids, att)
                weights = F.softmax(images @ embedded.T / m.w["temp"], 1) + 1e-4
                weights.fill_diagonal_(0)
                wrong_texts, wrong_pictures = (torch.multinomial(x, 1)[:, 0] for x in (weights, weights.T.contiguous()))
            losses["itc"] = contrastive(queues, images, embedded, images_m, texts_m, shown, m.w["temp"], 0.4, objective == "retrieval")[0]
            t, p = torch.cat([own, own, wrong_texts]), torch.cat([own, wrong_pictures, own])
            losses["itm"] = F.cross_entropy(m.match(ids[t], att[t], features[p]), torch.tensor([1] * B + [0] * 2 * B))
        if objective != "retrieval":
            losses["lm"] = m.language_loss(ids, att, features)
        sum(losses.values()).backward()
    optimizer.step()
    return np.array([float(losses.get(k, torch.zeros(())).detach()) for k in ("itc", "itm", "lm")], np.float32)


serve(f"PyTorch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}, {precision}", lambda work: (B, step))
