"""Following a release: the new model is loaded beside the old one, and then takes its place."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
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


@dataclass(frozen=True)
class State:
    """What a follower knows after a look. It is replaced whole, so that no reader meets half of it.

    Attributes:
        serving: What answers; None until the first model was loaded.
        stale_since: Since when the newest could not be loaded, ISO 8601; None where it serves.
        fault: Why it could not be; empty where it serves.
    """

    serving: Serving | None = None
    stale_since: str | None = None
    fault: str = ""


class Follower:
    """Keeps the model that a release file names, and the last good one where that cannot be had.

    Args:
        path: Of the release file.

    Attributes:
        state: What was found at the last look.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.state = State()

    def look(self) -> None:
        """Load what the release file names, unless it serves already. Never raises."""
        try:
            self.state = State(self._load())
        except (DoppelcartError, OSError, ValueError, KeyError, TypeError) as error:
            self._note(str(error))

    def _load(self) -> Serving:
        now = self.state.serving
        release = read_release(self._path)
        if now is not None and release.digest == now.release.digest:
            return Serving(release, now.model)
        model = artefact.read(folder_of(self._path, release), release.digest)
        _warm_up(model)
        log.info("version %s serves", release.version)
        return Serving(release, model)

    async def follow(self, seconds: float) -> None:
        """Look again and again, in a thread, so that nobody has to wait.

        Args:
            seconds: Between two looks.
        """
        while True:
            await asyncio.sleep(seconds)
            await asyncio.to_thread(self.look)

    def _note(self, fault: str) -> None:
        if fault != self.state.fault:
            log.error("the released model does not serve: %s", fault)
        since = self.state.stale_since or datetime.now(UTC).isoformat(timespec="seconds")
        self.state = replace(self.state, stale_since=since, fault=fault)


def _warm_up(model: Model) -> None:
    """Do before the first request what is done once: indexes of items, pages of the arrays."""
    _ = model.catalogue.positions, model.catalogue.codes
    nothing = model.history(model.customers.items[:1])
    profiles = model.profiles_of(slice(1))
    for strategy in model.strategies.values():
        model.rank(strategy, nothing, 1, profiles=profiles)
