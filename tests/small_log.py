"""A small log, and its ingestion with whatever is wrong with it."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from doppelcart.columns import Tables
from doppelcart.datasets.source import SourceFiles, SourceTables
from doppelcart.errors import InputError
from doppelcart.pipelines.ingestion.nodes import ingest
from doppelcart.pipelines.ingestion.params import Source
from doppelcart.reading.tolerance import IngestionParams

N_LINES = 200
START = pd.Timestamp("2024-01-13 15:02:00")
COLUMNS = {
    "user_id": "customer",
    "item_id": "article",
    "timestamp": "placed",
    "quantity": "pieces",
    "amount": "paid",
}


def log() -> pd.DataFrame:
    """A log of 20 customers and 10 articles with nothing wrong in it."""
    number = pd.Series(range(N_LINES))
    return pd.DataFrame(
        {
            "customer": "k" + (number % 20).astype(str),
            "article": "a" + (number % 10).astype(str),
            "placed": (START + pd.to_timedelta(number, unit="h")).astype("datetime64[us]"),
            "pieces": 1.0,
            "paid": 2.0,
            "taken_off": 0.5,
        }
    )


def read(
    folder: Path,
    lines: pd.DataFrame,
    columns: dict[str, str] | None = None,
    lists: dict[str, tuple[pd.DataFrame, dict[str, str]]] | None = None,
    **params: Any,
) -> dict[str, Any]:
    """Ingest a log, and further tables by name, each a frame and its columns."""
    frames = {Tables.INTERACTIONS: (lines, COLUMNS | (columns or {})), **(lists or {})}
    for name, (frame, _) in frames.items():
        frame.to_parquet(folder / f"{name}.parquet", index=False)
    source = Source.model_validate(
        {
            "name": "shop",
            "files": {name: {"path": str(folder / f"{name}.parquet")} for name in frames},
            "tables": {
                name: {"from": name, "columns": columns_} for name, (_, columns_) in frames.items()
            },
        }
    )
    files = {name: spec.model_dump() for name, spec in source.files.items()}
    return ingest(
        SourceTables(files).load(), SourceFiles(files).load(), source, IngestionParams(**params)
    )


def warnings(*args: Any, **kwargs: Any) -> list[str]:
    return read(*args, **kwargs)["summary"]["warnings"]


def refused(*args: Any, **kwargs: Any) -> str:
    with pytest.raises(InputError) as raised:
        read(*args, **kwargs)
    return str(raised.value)
