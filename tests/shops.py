"""Small shops in any format, for the tests of reading."""

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from doppelcart.datasets.source import SourceFiles, SourceTables
from doppelcart.pipelines.ingestion.declared import declare_tables
from doppelcart.pipelines.ingestion.nodes import conform_tables, ingest
from doppelcart.pipelines.ingestion.params import Source
from doppelcart.reading.tolerance import IngestionParams

FORMATS = ("csv", "tsv", "csv.gz", "json", "jsonl", "jsonl.gz", "parquet", "xlsx")
COLUMNS = {"user_id": "customer", "item_id": "article", "timestamp": "placed"}


def write(path: Path, columns: Mapping[str, Sequence[Any]]) -> str:
    """Write columns as the format that a path's ending names; texts stay texts."""
    kind, _, packed = path.name.partition(".")[2].partition(".")
    frame = pd.DataFrame({name: list(values) for name, values in columns.items()}, dtype=object)
    if kind == "parquet":
        frame.to_parquet(path, index=False)
    elif kind == "xlsx":
        frame.to_excel(path, index=False)
    else:
        if kind in ("csv", "tsv"):
            text = frame.to_csv(index=False, sep="\t" if kind == "tsv" else ",")
        else:
            records = frame.to_dict("records")
            lines = [json.dumps(record) for record in records]
            text = "\n".join(lines) if kind == "jsonl" else json.dumps(records)
        data = text.encode()
        path.write_bytes(gzip.compress(data) if packed else data)
    return str(path)


def read(files: Mapping[str, Any], tables: Mapping[str, Any], **params: Any) -> dict[str, Any]:
    """Ingest the files (paths or whole declarations) of a source, as its pipeline does."""
    specs = _specs(files)
    source = Source(name="shop", files=specs, tables=tables)
    raw = SourceTables(specs, tables=dict(tables)).load()
    return ingest(raw, SourceFiles(specs).load(), source, IngestionParams(**params))


def log_of(
    path: str, columns: Mapping[str, str] | None = None, spec: Mapping[str, Any] = {}, **params: Any
) -> pd.DataFrame:
    """The interactions of one file, in the order in which it has them.

    Read and brought into their canonical form; whether they can mean what they say is not asked,
    for that takes three times as long.
    """
    specs = _specs({"log": {"path": path, **spec}})
    tables = {"interactions": {"from": "log", "columns": {**COLUMNS, **(columns or {})}}}
    source = Source(name="shop", files=specs, tables=tables)
    declared = declare_tables(SourceTables(specs, tables=tables).load(), source)
    conformed, _ = conform_tables(declared, source, IngestionParams(**params))
    return conformed["interactions"].to_pandas()


def _specs(files: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        name: {"path": spec} if isinstance(spec, str) else dict(spec)
        for name, spec in files.items()
    }


def days(count: int) -> list[str]:
    """Moments a minute apart, as in ISO 8601."""
    return [str(moment) for moment in pd.date_range("2024-01-01", periods=count, freq="min")]
