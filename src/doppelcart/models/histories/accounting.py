"""How much privacy a training spends, and how much noise a budget asks for."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, ClassVar

from pydantic import Field, Secret

from doppelcart.config import secrecy
from doppelcart.config.base import Parameters
from doppelcart.errors import MissingExtraError, ParameterError

LEAST_NOISE = 0.3
"""Below this noise multiplier the bounds say nothing of use."""


class PrivacyConfig(Parameters):
    """The budget of a differentially private training, and how it is spent."""

    PATH: ClassVar[str] = "private.training"

    delta: float = Field(
        1e-5,
        gt=0,
        lt=1,
        description="chance that the bound of epsilon does not hold; below 1 / users",
    )
    clip_norm: float = Field(
        1.0, gt=0, description="largest L2 norm of one user's gradient of the critic"
    )
    gradient_penalty: float = Field(
        1.0, ge=0, description="weight of the critic's gradient penalty between synthetic users"
    )
    batch_size: int = Field(512, ge=1, description="users expected a critic step")
    steps: int = Field(200, ge=1, le=1_000_000, description="critic steps in all")
    critic_steps: int = Field(2, ge=1, le=1000, description="critic steps a generator step")
    histogram_noise: float = Field(
        4.0,
        gt=0,
        le=1000,
        description="noise of the popularity histogram, as a multiple of that of a critic step",
    )
    length_cap: int = Field(
        500, ge=1, description="items of one user that count towards the mean length"
    )
    max_noise: float = Field(
        100.0,
        ge=1,
        le=1e6,
        description="largest noise multiplier with which training is worth starting; it sets the "
        "least epsilon that can be reached",
    )
    learning_rate: float = Field(1e-3, gt=0, le=1, description="Adam step of the generator")
    critic_learning_rate: float = Field(1e-3, gt=0, le=1, description="Adam step of the critic")
    ema_decay: float = Field(
        0.98, ge=0, lt=1, description="decay per step of the averaged generator weights"
    )
    seed: Secret[Annotated[int, Field(ge=1, lt=2**128)]] | None = Field(
        None,
        description="secret seed of draws and noise; without one nothing private is trained",
    )

    @property
    def secret_seed(self) -> int:
        """The seed itself, which nothing may write.

        Raises:
            ParameterError: None was given.
        """
        if self.seed is None:
            raise ParameterError(secrecy.missing(self.name_of("seed")))
        return self.seed.get_secret_value()


def sampling_rate(config: PrivacyConfig, n_users: int) -> float:
    """Chance that a user takes part in a critic step."""
    return min(config.batch_size / n_users, 1.0)


def spent(noise: float, n_users: int, config: PrivacyConfig) -> float:
    """Epsilon of a whole training: the histogram and every step, by Rényi accounting.

    Mironov, Talwar and Zhang (2019), "Rényi Differential Privacy of the Sampled Gaussian
    Mechanism", as implemented in ``dp_accounting``; neighbours differ by one user more or less.

    Args:
        noise: Standard deviation of a step's noise, as a multiple of the clip norm; 0 is no noise.
        n_users: Training users.
        config: Steps, batch size, delta.

    Returns:
        Epsilon at ``config.delta``; infinite without noise.
    """
    return math.inf if noise == 0 else _epsilon(_training(noise, n_users, config), config.delta)


def noise_for(epsilon: float | None, n_users: int, config: PrivacyConfig) -> float:
    """The least noise multiplier that keeps a training within a budget.

    Args:
        epsilon: The budget; None asks for no noise, the reference of a utility curve.
        n_users: Training users.
        config: Steps, batch size, delta, largest noise.

    Raises:
        ParameterError: The budget cannot be kept with ``max_noise``, or delta is too large for so
            few users.
    """
    spending = (
        f"{config.steps:,} steps of about {config.batch_size:,} of {n_users:,} users",
        f"lower {config.name_of('steps')} or {config.name_of('batch_size')}, or bring more users",
    )
    return _least_noise(
        epsilon, n_users, config, lambda noise: _training(noise, n_users, config), spending
    )


def spent_on_histogram(noise: float, config: PrivacyConfig) -> float:
    """Epsilon of a popularity histogram alone; infinite without noise."""
    return math.inf if noise == 0 else _epsilon(_histogram(noise), config.delta)


def histogram_noise_for(epsilon: float | None, n_users: int, config: PrivacyConfig) -> float:
    """The least noise of a popularity histogram that has the whole budget to itself.

    Not less than ``LEAST_NOISE``, so that of a large budget some is left.

    Args:
        epsilon: The budget; None asks for no noise.
        n_users: Training users.
        config: Delta, largest noise.

    Returns:
        Standard deviation of each coordinate, where a user adds a vector of norm at most 1.

    Raises:
        ParameterError: As from ``noise_for``.
    """
    spending = ("one histogram", f"or raise {config.name_of('max_noise')}")
    return _least_noise(epsilon, n_users, config, _histogram, spending)


def _least_noise(
    epsilon: float | None,
    n_users: int,
    config: PrivacyConfig,
    event: Callable[[float], Any],
    spending: tuple[str, str],
) -> float:
    """The least noise at which an event keeps a budget; ``spending`` says on what, and advises."""
    if epsilon is None:
        return 0.0
    if config.delta >= 1 / n_users:
        raise ParameterError(
            f"{config.name_of('delta')} is {config.delta:g}, but with {n_users:,} users it must be "
            f"below {1 / n_users:.2g}: a mechanism that publishes one user in full would satisfy "
            f"it."
        )
    least = _epsilon(event(config.max_noise), config.delta)
    if epsilon < least:
        what, advice = spending
        raise ParameterError(
            f"epsilon {epsilon:g} cannot be reached: with {what}, delta {config.delta:g} and "
            f"noise of at most {config.max_noise:g} clip norms, the least is {least:.3g}. Ask for "
            f"that or more, {advice}."
        )
    if _epsilon(event(LEAST_NOISE), config.delta) <= epsilon:
        return LEAST_NOISE
    dp = _dp_accounting()
    with _quietly():
        return float(
            dp.calibrate_dp_mechanism(
                dp.rdp.RdpAccountant,
                event,
                epsilon,
                config.delta,
                dp.ExplicitBracketInterval(LEAST_NOISE, config.max_noise),
                tol=1e-3,
            )
        )


def _dp_accounting() -> Any:
    try:
        import dp_accounting
        import dp_accounting.rdp
    except ImportError as error:
        raise MissingExtraError(
            "Private training needs dp-accounting, which is not installed: "
            '`pip install "doppelcart[privacy]"`, or `pip install -e ".[privacy]"` in a clone.'
        ) from error
    return dp_accounting


def _epsilon(event: Any, delta: float) -> float:
    accountant = _dp_accounting().rdp.RdpAccountant()
    with _quietly():
        accountant.compose(event)
    return float(accountant.get_epsilon(delta))


def _training(noise: float, n_users: int, config: PrivacyConfig) -> Any:
    """The histogram, then every step, as ``dp_accounting`` describes them."""
    dp = _dp_accounting()
    step = dp.PoissonSampledDpEvent(sampling_rate(config, n_users), dp.GaussianDpEvent(noise))
    return dp.ComposedDpEvent(
        [
            _histogram(config.histogram_noise * noise),
            dp.SelfComposedDpEvent(step, config.steps),
        ]
    )


def _histogram(noise: float) -> Any:
    return _dp_accounting().GaussianDpEvent(noise)


@contextmanager
def _quietly() -> Iterator[None]:
    """Without the accountant's notes on orders it leaves out: fewer orders keep the bound valid."""
    absl = logging.getLogger("absl")
    level = absl.level
    absl.setLevel(logging.ERROR)
    try:
        yield
    finally:
        absl.setLevel(level)
