"""Following a release: the new model is loaded beside the old one, and then takes its place."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from doppelcart.errors import DoppelcartError
from doppelcart.serving import artefact
from doppelcart.serving.model import Model
from doppelcart.serving.release import Release, folder_of, read_release

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Serving:
    """A model that was loaded, and the release that named it."""

    release: Release
    model: Model


class Follower:
    """Keeps the model that a release file names, and the last good one where that cannot be had.

    Args:
        path: Of the release file.

    Attributes:
        serving: What answers; None until the first model was loaded.
        stale_since: Since when the newest could not be loaded, ISO 8601; None where it serves.
        fault: Why it could not be; empty where it serves.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._failed: tuple[str, int] | None = None
        self.serving: Serving | None = None
        self.stale_since: str | None = None
        self.fault = ""

    def look(self) -> None:
        """Load what the release file names, unless it serves already. Never raises."""
        try:
            release = read_release(self._path)
            if self.serving is None or release.digest != self.serving.release.digest:
                model = artefact.read(folder_of(self._path, release), release.digest)
                _warm_up(model)
                self.serving = Serving(release, model)
                log.info("version %s serves", release.version)
            elif release != self.serving.release:
                self.serving = Serving(release, self.serving.model)
        except (DoppelcartError, OSError, ValueError, KeyError, TypeError) as error:
            self._note(str(error))
        else:
            self.stale_since, self.fault = None, ""

    async def follow(self, seconds: float) -> None:
        """Look again and again, in a thread, so that nobody has to wait.

        Args:
            seconds: Between two looks.
        """
        while True:
            await asyncio.sleep(seconds)
            await asyncio.to_thread(self.look)

    def _note(self, fault: str) -> None:
        if fault != self.fault:
            log.error("the released model does not serve: %s", fault)
        self.fault = fault
        self.stale_since = self.stale_since or datetime.now(UTC).isoformat(timespec="seconds")


def _warm_up(model: Model) -> None:
    """Do before the first request what is done once: indexes of items, pages of the arrays."""
    _ = model.catalogue.positions, model.catalogue.codes
    nothing = model.history(model.customers.items[:1])
    for strategy in model.strategies.values():
        strategy.system.scorer.score(nothing)
