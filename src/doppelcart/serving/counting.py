"""What the server counts of its own work, as Prometheus reads it."""

from __future__ import annotations

from collections import Counter
from typing import Final

BOUNDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5)
"""Upper ends of the classes of durations, in seconds."""

REQUESTS: Final = "doppelcart_requests_total"
ANSWERS: Final = "doppelcart_answers_total"
SECONDS: Final = "doppelcart_request_seconds"
INFO: Final = "doppelcart_model_info"
STALE: Final = "doppelcart_model_stale"


class Counts:
    """Requests by status, answers by slice, and durations of what was not refused unread.

    It is asked and told by one thread alone.
    """

    def __init__(self) -> None:
        self.by_status: Counter[int] = Counter()
        self.by_slice: Counter[str] = Counter()
        self._by_bound: Counter[float] = Counter()
        self._seconds = 0.0
        self._timed = 0

    def add(self, status: int, seconds: float, name: str = "") -> None:
        """Count a request.

        Args:
            status: Of its answer.
            seconds: That it took.
            name: Slice whose strategy answered; empty where none did.
        """
        self.by_status[status] += 1
        self._seconds += seconds
        self._timed += 1
        self._by_bound.update(bound for bound in BOUNDS if seconds <= bound)
        if name:
            self.by_slice[name] += 1

    def refuse(self, status: int) -> None:
        """Count a request that was refused before anybody looked at what it asks.

        Args:
            status: Of the refusal.
        """
        self.by_status[status] += 1

    def text(self, version: str, is_stale: bool) -> str:
        """All of it in Prometheus' text format.

        Args:
            version: Of the model that serves; empty where none does.
            is_stale: Whether a newer one could not be loaded.
        """
        lines = [f"# TYPE {REQUESTS} counter"]
        lines += [
            f'{REQUESTS}{{status="{status}"}} {count}'
            for status, count in sorted(self.by_status.items())
        ]
        lines.append(f"# TYPE {ANSWERS} counter")
        lines += [
            f'{ANSWERS}{{slice="{_escaped(name)}"}} {count}'
            for name, count in sorted(self.by_slice.items())
        ]
        lines.append(f"# TYPE {SECONDS} histogram")
        lines += [f'{SECONDS}_bucket{{le="{bound:g}"}} {self._by_bound[bound]}' for bound in BOUNDS]
        lines += [
            f'{SECONDS}_bucket{{le="+Inf"}} {self._timed}',
            f"{SECONDS}_sum {self._seconds:.6f}",
            f"{SECONDS}_count {self._timed}",
            f"# TYPE {INFO} gauge",
            f'{INFO}{{version="{_escaped(version)}"}} {int(bool(version))}',
            f"# TYPE {STALE} gauge",
            f"{STALE} {int(is_stale)}",
        ]
        return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
