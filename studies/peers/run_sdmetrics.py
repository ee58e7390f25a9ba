"""SDMetrics on a real and a synthetic table; run by the peers' interpreter.

Told ``real`` and ``synthetic`` (CSV) and the ``discrete`` columns; answers with scores from 0 to 1,
1 being best, each the mean over the columns or pairs of columns that it applies to.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sdmetrics.reports.single_table import QualityReport
from sdmetrics.single_table import CategoryCoverage, KSComplement, RangeCoverage, TVComplement


def main() -> None:
    """Do what is told, and answer."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    real, synthetic = (pd.read_csv(job[name]) for name in ("real", "synthetic"))
    kinds = {
        name: {"sdtype": "categorical" if name in job["discrete"] else "numerical"}
        for name in real.columns
    }
    metadata = {"columns": kinds}
    report = QualityReport()
    report.generate(real, synthetic, metadata, verbose=False)
    pairs = report.get_details("Column Pair Trends")
    answer = {"quality": report.get_score()}
    answer |= dict(report.get_properties().itertuples(index=False))
    answer |= {
        metric: float(np.nanmean(of_metric["Score"]))
        for metric, of_metric in pairs.groupby("Metric")
    }
    for metric in (KSComplement, TVComplement, RangeCoverage, CategoryCoverage):
        answer[metric.__name__] = float(metric.compute(real, synthetic, metadata))
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
