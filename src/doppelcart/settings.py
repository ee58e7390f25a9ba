"""Kedro's settings of this project (https://docs.kedro.org/en/stable/configure/)."""

import logging
import os
import warnings

from doppelcart.config.loader import ReadableConfigLoader
from doppelcart.config.resolvers import RESOLVERS
from doppelcart.datasets.catalog import NamingCatalog
from doppelcart.hooks import (
    LineageGuard,
    MemoryGuard,
    MlflowTracking,
    ParameterCheck,
    ResultTracking,
    RunDescription,
    RunLog,
    SaveGuard,
    VerdictPrinter,
)
from doppelcart.hooks.tracking import TrackedRun

# A run must not speak to any network on its own, and what these have to say is for the log. All are
# read when MLflow and TensorFlow load.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

logging.captureWarnings(capture=True)

# Kedro's and MLflow's own affairs, which nobody who runs this project can act on.
warnings.filterwarnings("ignore", message="register_new_resolver")
warnings.filterwarnings("ignore", message=".*Add type hints to the `predict` method")
# Dots are namespaces here, too: nodes that compare the generators read `gan.` and `denoiser.` both.
warnings.filterwarnings("ignore", message="One or more dataset names contain '.'")

_RUN = TrackedRun()

HOOKS = (
    RunLog(),
    VerdictPrinter(_RUN),
    MlflowTracking(_RUN),
    RunDescription(_RUN),
    ResultTracking(_RUN),
    LineageGuard(),
    MemoryGuard(),
    SaveGuard(),
    ParameterCheck(),
)

# MlflowTracking calls it instead; how the plugin spells its name depends on how it was packed.
DISABLE_HOOKS_FOR_PLUGINS = ("kedro_mlflow", "kedro-mlflow")

DATA_CATALOG_CLASS = NamingCatalog

CONFIG_LOADER_CLASS = ReadableConfigLoader
CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    "custom_resolvers": RESOLVERS,
    # With Kedro's default (destructive) `--params a.b=1` would replace the whole of `a` as soon as
    # the environment has a parameters file. Globals stay destructive: a source replaces a source.
    "merge_strategy": {"parameters": "soft", "mlflow": "soft"},
    "config_patterns": {
        "globals": ["globals*"],
        "mlflow": ["mlflow*", "mlflow*/**", "**/mlflow*"],
    },
}
