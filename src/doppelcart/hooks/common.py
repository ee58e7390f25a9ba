"""What several hooks need: the parameters of a run, and what datasets hold."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline

from doppelcart.config.checks import PREFIX
from doppelcart.datasets.catalog import path_of


def parameters_of(pipeline: Pipeline, catalog: CatalogProtocol) -> dict[str, Any]:
    """What the nodes of a run ask for, by dotted name."""
    names = sorted(name for name in pipeline.inputs() if name.startswith(PREFIX))
    return {name.removeprefix(PREFIX): catalog.load(name) for name in names}


def load_if_there(catalog: CatalogProtocol, name: str) -> Any:
    """A saved dataset's data; None where the catalog does not know it or nothing is saved."""
    return catalog.load(name) if name in catalog and catalog.exists(name) else None


def path_in(catalog: CatalogProtocol | None, name: str) -> Path | None:
    """The path of a dataset; None where it has none, or the catalog does not know it."""
    known = catalog is not None and name in catalog
    return path_of(catalog.get(name)) if catalog is not None and known else None


def as_table(data: Any) -> pd.DataFrame | None:
    """A pandas table of whatever tabular thing a node returned; None for anything else."""
    if isinstance(data, pd.DataFrame):
        return data
    if hasattr(data, "to_pandas"):
        return data.to_pandas()
    if isinstance(data, Mapping):
        data = [data]
    if isinstance(data, Iterable) and not isinstance(data, str):
        rows = list(data)
        return pd.DataFrame(rows) if rows and isinstance(rows[0], Mapping) else None
    return None
