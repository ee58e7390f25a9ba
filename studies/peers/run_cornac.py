"""Cornac's Mult-VAE or EASE; run by the peers' interpreter.

Told ``model``, its ``settings``, ``train`` (NPZ of a CSR matrix), ``out`` (NPY); answers with the
processor seconds of fitting and of scoring every user.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
from cornac.data import Dataset
from cornac.models import EASE, VAECF
from scipy import sparse

MODELS = {"ease": EASE, "multvae": VAECF}


def main() -> None:
    """Do what is told, and answer."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    train = sparse.load_npz(job["train"]).tocoo()
    data = Dataset.from_uir(
        list(zip(train.row.tolist(), train.col.tolist(), train.data.tolist(), strict=True))
    )
    model = MODELS[job["model"]](verbose=False, **job["settings"])
    begin = time.process_time()
    model.fit(data)
    fitted = time.process_time()
    rows = [np.asarray(model.score(user)).ravel() for user in range(data.num_users)]
    scored = time.process_time()
    users = [data.uid_map[user] for user in range(train.shape[0]) if user in data.uid_map]
    known = [user for user in range(train.shape[0]) if user in data.uid_map]
    items = np.array(list(data.iid_map))
    scores = np.full(train.shape, -np.inf, np.float32)
    scores[np.ix_(known, items)] = np.stack(rows)[users]
    np.save(job["out"], scores)
    print(json.dumps({"fit": fitted - begin, "score": scored - fitted}))


if __name__ == "__main__":
    main()
