"""What surrounds a run: checks before it, guards and tracking during it, the verdict after it.

One module per hook, each with one job. Kedro calls hooks in the reverse order of ``HOOKS`` in
``settings.py``.
"""

from doppelcart.hooks.description import RunDescription
from doppelcart.hooks.lineage import LineageGuard
from doppelcart.hooks.log import RunLog
from doppelcart.hooks.memory import MemoryGuard
from doppelcart.hooks.mlflow import MlflowTracking
from doppelcart.hooks.parameters import ParameterCheck
from doppelcart.hooks.results import ResultTracking
from doppelcart.hooks.saving import SaveGuard
from doppelcart.hooks.verdict import VerdictPrinter

__all__ = [
    "LineageGuard",
    "MemoryGuard",
    "MlflowTracking",
    "ParameterCheck",
    "ResultTracking",
    "RunDescription",
    "RunLog",
    "SaveGuard",
    "VerdictPrinter",
]
