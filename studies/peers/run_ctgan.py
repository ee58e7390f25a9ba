"""CTGAN (Xu et al. 2019) on a table; run by the peers' interpreter.

Told ``table`` (CSV), ``discrete`` columns, ``epochs``, ``seed``, ``rows``, ``out`` (CSV); answers
with the processor seconds of fitting and of sampling.
"""

import json
import os
import sys
import time
from pathlib import Path

# Columns are described in this process and not in others, whose time would not be seen.
os.environ["LOKY_MAX_CPU_COUNT"] = "1"

import pandas as pd
from ctgan import CTGAN


def main() -> None:
    """Do what is told, and answer."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    table = pd.read_csv(job["table"])
    model = CTGAN(epochs=job["epochs"], enable_gpu=False)
    model.set_random_state(job["seed"])
    begin = time.process_time()
    model.fit(table, job["discrete"])
    fitted = time.process_time()
    made = model.sample(job["rows"])
    sampled = time.process_time()
    made.to_csv(job["out"], index=False)
    print(json.dumps({"fit": fitted - begin, "sample": sampled - fitted}))


if __name__ == "__main__":
    main()
