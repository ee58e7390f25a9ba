"""A search for parameters that can be stopped at any moment: Optuna draws, an objective judges.

Optuna is imported inside functions only: nothing but the tuning pipeline needs it.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from pydantic import Field

from doppelcart.config.base import Parameters
from doppelcart.errors import MissingExtraError, StorageError
from doppelcart.progress import progress
from doppelcart.search.space import Choice, Dimension

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

logger = logging.getLogger(__name__)

Space = Mapping[str, Dimension]
Report = Callable[[int, float, bool], None]
Objective = Callable[[dict[str, Choice], Report], float]

REASON: Final = "reason"
INTERRUPTED: Final = "interrupted"
KILLS: Final = "kills"
LONGEST_REASON: Final = 500


class PruningConfig(Parameters):
    """When a trial is given up: its best value so far lies below the median of others there."""

    n_startup_trials: int = Field(
        5, ge=1, description="trials that come to their end before any is given up"
    )
    n_warmup_epochs: int = Field(
        0, ge=0, description="epochs of each trial in which it is not given up"
    )
    n_min_trials: int = Field(
        3,
        ge=1,
        description="trials with a value at the same epoch, without which there is no median",
    )


class StudyConfig(Parameters):
    """How long a study goes on, where it is kept and how it draws."""

    name: str = Field("generator", min_length=1, description="first part of the study's name")
    storage: Path = Field(description="SQLite file of all studies; made where it is missing")
    n_trials: int = Field(
        30, ge=1, le=100_000, description="finished trials of the study, those of former runs too"
    )
    minutes: float | None = Field(
        None, gt=0, description="minutes of one run after which no trial begins; none is no limit"
    )
    n_startup_trials: int = Field(
        8, ge=1, description="trials drawn at random before TPE learns from them"
    )
    max_retries: int = Field(
        1, ge=0, le=100, description="how often a trial is tried again whose process was killed"
    )
    min_trials_for_importance: int = Field(
        10, ge=2, description="complete trials below which importances are undefined"
    )
    pruning: PruningConfig = Field(PruningConfig(), description="when a trial is given up")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="seed of what is drawn")


def open_study(config: StudyConfig, identity: str) -> Study:
    """A new study, or the one that an earlier run began.

    Args:
        config: Where it is kept.
        identity: Digest of all that a trial's value depends on but what is searched; a study of
            another digest is another study, since its values cannot be compared.

    Raises:
        MissingExtraError: Optuna is not installed.
        StorageError: The file is no database, or cannot be written.
    """
    optuna = _optuna()
    from sqlalchemy.exc import SQLAlchemyError

    pruning = config.pruning
    path = config.storage.absolute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        study: Study = optuna.create_study(
            storage=f"sqlite:///{path.as_posix()}",
            study_name=f"{config.name}-{identity[:12]}",
            direction="maximize",
            pruner=optuna.pruners.MedianPruner(
                pruning.n_startup_trials,
                pruning.n_warmup_epochs,
                n_min_trials=pruning.n_min_trials,
            ),
            load_if_exists=True,
        )
    except (OSError, SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        cause = str(getattr(error, "orig", None) or error)
        raise StorageError(
            f"The studies in {path} cannot be read or written ({cause}). Make the folder "
            "writable, or, if the file was cut short, delete it to begin again."
        ) from error
    return study


def search(
    study: Study,
    objective: Objective,
    space: Space,
    config: StudyConfig,
    first: Mapping[str, Choice] | None = None,
) -> None:
    """Go on with a study until it has its trials, or the time is up.

    Each draw is seeded by the number of trials finished before it, so a study that was stopped and
    resumed draws what it would have drawn at once. A trial that fails is recorded with its reason
    and the study goes on.

    Args:
        study: Of ``open_study``.
        objective: Maps values to what is maximised; it is given ``report(epoch, value, is_last)``,
            which ends a trial that is given up by an exception. At its last evaluation a trial is
            not given up: nothing would be saved by it.
        space: What is searched, by name.
        config: How long, and how trials are drawn.
        first: Values of the first trial of a new study; those left out are drawn.

    Raises:
        KeyboardInterrupt: All finished trials are kept; searching again goes on from there.
    """
    _give_back(study, config.max_retries)
    if not study.trials and first:
        study.enqueue_trial(dict(first))
    done = _announce(study, config)
    end = math.inf if config.minutes is None else time.monotonic() + 60 * config.minutes
    bar = progress(config.n_trials, "searching parameters", "trial", done)
    try:
        while done < config.n_trials and time.monotonic() < end:
            trial = _draw(study, space, config, done)
            _try(study, trial, objective)
            done += 1
            bar.update()
            _tell(study, trial.number, done, config.n_trials)
    except KeyboardInterrupt:
        logger.warning(
            "Tuning was interrupted: %d of %d trials are kept in %s. The same command goes on "
            "from there and tries the interrupted one again.",
            done,
            config.n_trials,
            config.storage,
        )
        raise
    finally:
        bar.close()
    if done < config.n_trials:
        logger.warning(
            "Tuning stopped after its %g minutes with %d of %d trials; the same command goes on.",
            config.minutes,
            done,
            config.n_trials,
        )


def trials_table(study: Study, space: Space) -> pd.DataFrame:
    """Every trial that began.

    Returns:
        One row per trial: ``study``, ``number``, ``state`` (complete, pruned, failed, or
        interrupted and tried again under another number), ``value`` (of a pruned one, the last),
        ``epochs``, ``seconds`` (undefined of an interrupted one, whose end nobody saw),
        ``started`` (UTC), ``reason`` of a failure, and each searched parameter.
    """
    rows = [
        {
            "study": study.study_name,
            "number": trial.number,
            "state": _state(trial),
            "value": float("nan") if trial.value is None else trial.value,
            "epochs": trial.last_step,
            "seconds": _seconds(trial),
            "started": _utc(trial),
            REASON: trial.user_attrs.get(REASON, ""),
            **{name: trial.params.get(name) for name in space},
        }
        for trial in study.trials
        if trial.state.is_finished()
    ]
    columns = ["study", "number", "state", "value", "epochs", "seconds", "started", REASON]
    return pd.DataFrame(rows, columns=[*columns, *space]).astype({"epochs": "Int64"})


def importances(study: Study, space: Space, config: StudyConfig) -> pd.DataFrame:
    """How much of the difference between good trials and the rest each parameter explains.

    Source: Watanabe, Bansal and Hutter (2023), "PED-ANOVA: Efficiently quantifying hyperparameter
    importance in arbitrary subspaces", as implemented in ``optuna.importance``.

    Returns:
        ``parameter`` and ``value`` (share, 0 to 1), the largest first; undefined with too few
        complete trials, or where all are equally good.
    """
    optuna = _optuna()
    complete = [trial for trial in study.trials if _state(trial) == "complete"]
    found: dict[str, float] = dict.fromkeys(space, float("nan"))
    if len(complete) < config.min_trials_for_importance:
        logger.info(
            "Importances need %d complete trials and there are %d.",
            config.min_trials_for_importance,
            len(complete),
        )
    elif len({trial.value for trial in complete}) > 1:
        found = optuna.importance.get_param_importances(study)
    return pd.DataFrame({"parameter": list(found), "value": list(found.values())})


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise MissingExtraError(
            "The tuning pipeline needs Optuna, which is not installed: "
            '`pip install "doppelcart[tuning]"`, or `pip install -e ".[tuning]"` in a clone.'
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _state(trial: FrozenTrial) -> str:
    """Optuna calls both failed: what broke down by itself, and what was stopped from outside."""
    name = trial.state.name.lower()
    if name == "fail":
        return "failed" if REASON in trial.user_attrs else INTERRUPTED
    return name


def _n_finished(study: Study) -> int:
    return sum(_state(trial) in {"complete", "pruned", "failed"} for trial in study.trials)


def _give_back(study: Study, max_retries: int) -> None:
    """Close what an earlier process left running, and try it again unless it kills each time."""
    from optuna.trial import TrialState, create_trial

    for left in study.get_trials(states=(TrialState.RUNNING,)):
        kills = left.user_attrs.get(KILLS, 0) + (INTERRUPTED not in left.user_attrs)
        study.tell(left.number, state=TrialState.FAIL)
        if kills <= max_retries:
            study.enqueue_trial(left.params, {KILLS: kills})
            logger.info("Trial %d had been stopped from outside and is tried again.", left.number)
            continue
        reason = f"its process was killed {kills} times; there may be too little memory for it"
        study.add_trial(
            create_trial(
                state=TrialState.FAIL,
                params=left.params,
                distributions=left.distributions,
                user_attrs={REASON: reason},
            )
        )
        logger.warning("Trial %d is given up: %s", left.number, reason)


def _announce(study: Study, config: StudyConfig) -> int:
    """Say whether the study begins or goes on, and return how many trials it has."""
    done = _n_finished(study)
    if done >= config.n_trials:
        logger.info(
            "Study %s has its %d trials already; raise tuning.study.n_trials for more.",
            study.study_name,
            config.n_trials,
        )
    elif done:
        logger.info(
            "Study %s goes on: %d of %d trials are done.", study.study_name, done, config.n_trials
        )
    else:
        logger.info("Study %s begins: %d trials.", study.study_name, config.n_trials)
    return done


def _draw(study: Study, space: Space, config: StudyConfig, done: int) -> Trial:
    from optuna.samplers import TPESampler

    # One sampler for all would draw its first trials again in every run that resumes.
    seed = int(np.random.SeedSequence([config.seed, done]).generate_state(1)[0])
    study.sampler = TPESampler(seed=seed, n_startup_trials=config.n_startup_trials)
    return study.ask({name: _distribution(dimension) for name, dimension in space.items()})


def _distribution(dimension: Dimension) -> BaseDistribution:
    from optuna import distributions

    if dimension.low is None or dimension.high is None:
        return distributions.CategoricalDistribution(dimension.choices)
    if dimension.is_integer:
        return distributions.IntDistribution(
            int(dimension.low), int(dimension.high), log=dimension.log
        )
    return distributions.FloatDistribution(dimension.low, dimension.high, log=dimension.log)


def _try(study: Study, trial: Trial, objective: Objective) -> None:
    """Judge one trial and record how it ended."""
    from optuna import TrialPruned
    from optuna.trial import TrialState

    def report(epoch: int, value: float, is_last: bool) -> None:
        trial.report(value, epoch)
        if not is_last and trial.should_prune():
            raise TrialPruned

    try:
        value = objective(dict(trial.params), report)
        if not math.isfinite(value):
            raise ArithmeticError(f"the selection metric is {value}")
    except TrialPruned:
        study.tell(trial, state=TrialState.PRUNED)
    except KeyboardInterrupt:
        trial.set_user_attr(INTERRUPTED, True)
        raise
    except Exception as error:  # noqa: BLE001 - one bad corner of the space must not end the study
        reason = f"{type(error).__name__}: {error}"[:LONGEST_REASON]
        trial.set_user_attr(REASON, reason)
        study.tell(trial, state=TrialState.FAIL)
    else:
        study.tell(trial, value)


def _tell(study: Study, number: int, done: int, n_trials: int) -> None:
    """Log what became of a trial, and the best so far."""
    trial = study.trials[number]
    complete = [each for each in study.trials if _state(each) == "complete"]
    best = max(complete, key=lambda each: each.value or 0.0, default=None)
    logger.info(
        "Trial %d (%d of %d): %s%s. Best so far: %s",
        number,
        done,
        n_trials,
        _state(trial),
        f" with {trial.value:.4f}" if trial.value is not None else "",
        f"{best.value:.4f} of trial {best.number}" if best else "none",
    )
    if REASON in trial.user_attrs:
        logger.warning("Trial %d failed: %s", number, trial.user_attrs[REASON])


def _seconds(trial: FrozenTrial) -> float:
    if trial.duration is None or _state(trial) == INTERRUPTED:
        return float("nan")
    return trial.duration.total_seconds()


def _utc(trial: FrozenTrial) -> str:
    """Start of a trial; Optuna keeps the local time of the machine."""
    began = trial.datetime_start
    return began.astimezone(UTC).isoformat(timespec="milliseconds") if began else ""
