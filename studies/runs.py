"""The product's parameters, and its runs in a folder of their own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from kedro.config import OmegaConfigLoader

from doppelcart.settings import CONFIG_LOADER_ARGS
from studies import processes
from studies.machine import PROJECT

KEDRO = (sys.executable, "-m", "kedro")
TABLE_PIPELINES = "ingestion,cleaning,split,profiles"


def kedro(home: Path, folder: str, *words: str) -> processes.Usage:
    """A Kedro command whose data and tracked runs lie in a folder of their own."""
    data = home / folder
    data.mkdir(exist_ok=True)
    variables = {
        "DOPPELCART_DATA": str(data),
        "MLFLOW_TRACKING_URI": f"sqlite:///{data / 'mlflow.db'}",
        "DOPPELCART_TRACKING": "on",
    }
    return processes.run([*KEDRO, *words], home / f"{folder}.log", variables)


def in_env(env: str | None) -> tuple[str, ...]:
    """Words of a Kedro command that name an environment."""
    return ("--env", env) if env else ()


def configuration(env: str | None) -> OmegaConfigLoader:
    """All that an environment configures."""
    base = CONFIG_LOADER_ARGS["base_env"]
    return OmegaConfigLoader(str(PROJECT / "conf"), env=env or base, **CONFIG_LOADER_ARGS)


def all_parameters(env: str | None) -> dict[str, Any]:
    """All parameters of an environment."""
    parameters: dict[str, Any] = configuration(env)["parameters"]
    return parameters


def gan_parameters(env: str | None) -> dict[str, Any]:
    """Parameters of the adversarial generator in an environment."""
    found: dict[str, Any] = all_parameters(env)["gan"]
    return found
