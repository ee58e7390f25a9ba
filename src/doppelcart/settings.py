"""Kedro's settings of this project (https://docs.kedro.org/en/stable/configure/)."""

import os

from doppelcart.resolvers import RESOLVERS

# A run must not speak to any network on its own; both are read when MLflow and TensorFlow load.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

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
