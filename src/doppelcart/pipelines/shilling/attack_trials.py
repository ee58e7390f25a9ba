"""The experiment: detectors that learnt from some attacks, judged on kinds they never saw."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from doppelcart.errors import InputError
from doppelcart.pipelines.shilling.attack_design import (
    ALL_PLAIN,
    ATTACK,
    CRITIC,
    GAN,
    JUDGED,
    JUDGED_ONLY,
    KIND,
    KNOWN,
    LEARNT,
    LISTING,
    ORACLE,
    SIZE,
    TARGET,
    bursts_arm,
)
from doppelcart.pipelines.shilling.attack_results import judged, listed, undefined
from doppelcart.pipelines.shilling.attack_times import timed
from doppelcart.pipelines.shilling.attacks import (
    MAKERS,
    TWINS,
    Maker,
    Scene,
    attack,
    targets,
)
from doppelcart.pipelines.shilling.fake_detectors import (
    LEAST_FAKES,
    PCA,
    Detector,
    Fitted,
    Profiles,
    chosen,
    profiles_of,
    stacked,
)
from doppelcart.pipelines.shilling.harm import harm_of, lost_by
from doppelcart.pipelines.shilling.item_bursts import burst_suspicion
from doppelcart.pipelines.shilling.params import AttackParams
from doppelcart.pipelines.shilling.rating_matrix import Others, Ratings
from doppelcart.pipelines.shilling.suspects import rank_others, ranks_of, suspects_of
from doppelcart.progress import tracked


class Draw(NamedTuple):
    """Users by what they are for, and the items that are pushed.

    Attributes:
        number: Of the draw.
        shop: Users of all matrices, those to learn from first.
        n_learnt: How many of them detectors learn from; the others judge.
        to_learn: Profiles that attacks to learn from imitate; in no matrix.
        to_judge: Profiles that judged attacks imitate; in no matrix.
        pushed: Items that judged attacks push.
        practised: Items that attacks to learn from push.
        donors: Times of the users that judged attacks imitate; None where there are no times.
        others: Users who are in no draw, to be ranked by the detectors of this one; None for all
            draws but the first.
    """

    number: int
    shop: Ratings
    n_learnt: int
    to_learn: np.ndarray
    to_judge: np.ndarray
    pushed: np.ndarray
    practised: np.ndarray
    donors: np.ndarray | None = None
    others: Others | None = None


class Generated(NamedTuple):
    """What was trained on the users of a draw that detectors learn from.

    Attributes:
        makers: Makers of profiles by the arm or kind that they make.
        critic: (n, n_items) ratings to (n,) suspicion; None where there is no critic.
        unlike: By maker, how far its histories lie from real ones.
    """

    makers: Mapping[str, Maker]
    critic: Callable[[np.ndarray], np.ndarray] | None = None
    unlike: Mapping[str, float] = MappingProxyType({})


Generate = Callable[[Draw, int], Generated]
"""Draw and seed -> what was trained."""


def generate_nothing(draw: Draw, seed: int) -> Generated:  # noqa: ARG001
    """No generator is trained."""
    return Generated({})


class Trials(NamedTuple):
    """What the experiment found.

    Attributes:
        attacks: One row per (kind, arm, attack).
        harm: One row per harmed attack, recommender and state.
        lost: One row per draw and recommender: what genuine users lose by false alarms.
        suspects: One row per user and draw in which he was not learnt from, those who are in no
            draw among them.
        unlike: One row per draw and generator.
    """

    attacks: pd.DataFrame
    harm: pd.DataFrame
    lost: pd.DataFrame
    suspects: pd.DataFrame
    unlike: pd.DataFrame


def sizes_of(n_shop: int, params: AttackParams) -> dict[float, int]:
    """Profiles of an attack of each size; sizes of too few profiles are left out.

    Args:
        n_shop: Users of a matrix.
        params: Sizes.

    Raises:
        InputError: None is left, or there are too few to learn from.
    """
    counted = {size: round(size * n_shop) for size in params.sizes}
    fitting = {size: number for size, number in counted.items() if number >= LEAST_FAKES}
    learnt = round(params.training_size * n_shop)
    if not fitting or learnt < LEAST_FAKES:
        raise InputError(
            f"too few to judge: among {n_shop:,} users an attack of {100 * max(params.sizes):g} % "
            f"has {max(counted.values())} profiles, one to learn from {learnt}, and it takes "
            f"{LEAST_FAKES}. Bring more users, or raise shilling.attacks.sizes and "
            "shilling.attacks.training_size."
        )
    return fitting


def draw_parts(ratings: Ratings, params: AttackParams) -> Iterator[Draw]:
    """Part the users anew for each draw, and share the targets out among the draws.

    Args:
        ratings: All users.
        params: Draws, targets, users held out.

    Yields:
        One draw after the other.

    Raises:
        InputError: Too few items are left that attacks to learn from could push.
    """
    rng = np.random.default_rng(params.seed)
    pushed = targets(ratings, params, rng)
    for number in range(params.draws):
        rng = np.random.default_rng([params.seed, number])
        order = rng.permutation(ratings.n_users)
        n_out = max(2, round(params.held_out * ratings.n_users))
        out, kept = order[:n_out], order[n_out:]
        shop = ratings.select(kept)
        own = pushed[number :: params.draws]
        raters = (shop.given > 0).sum(axis=0)
        own = own[raters[own] > 0]
        others = np.setdiff1d(np.flatnonzero((raters > 0) & (raters <= np.median(raters))), pushed)
        if len(others) < params.training_targets:
            raise InputError(
                f"attacks to learn from push {params.training_targets} items of few users that no "
                f"judged attack pushes, and there are {len(others)}: of {ratings.n_items:,} items "
                f"{len(pushed)} are pushed to judge. Lower shilling.attacks.targets or "
                "shilling.attacks.training_targets, or bring more items."
            )
        yield Draw(
            number,
            shop,
            len(kept) // 2,
            ratings.given[out[: n_out // 2]],
            ratings.given[out[n_out // 2 :]],
            own,
            rng.choice(others, params.training_targets, replace=False),
            None if ratings.times is None else ratings.times[out[n_out // 2 :]],
            None if number else ratings.others,
        )


def measure(
    ratings: Ratings, params: AttackParams, generate: Generate = generate_nothing
) -> Trials:
    """Try every arm on every attack.

    In ``attacks`` stand ``target``, ``size``, ``draw``, ``value`` (AUC), ``f1``, ``found`` (share
    of fakes in a list as long as the false alarms allow), ``false_new`` (share of genuine users
    with few items in it) and ``detector``. Arms that are no part of the design are there too:
    twins, the critic alone, and bursts, which are undefined where there are no times.

    Args:
        ratings: All users.
        params: Attacks.
        generate: Trains generators of profiles on a draw's users to learn from.
    """
    from threadpoolctl import threadpool_limits

    draws = list(draw_parts(ratings, params))
    # Threads cost more than they bring on such small matrices, and wait for each other.
    with threadpool_limits(1):
        found = [
            tried(draw, params, generate(draw, params.seed + draw.number))
            for draw in tracked(draws, "trying attacks", "draw")
        ]
    return Trials(*(pd.concat(tables, ignore_index=True) for tables in zip(*found, strict=True)))


def tried(draw: Draw, params: AttackParams, made: Generated) -> Trials:
    """All attacks of a draw.

    Args:
        draw: Users and targets.
        params: Attacks.
        made: What was trained.
    """
    makers = {**MAKERS, **made.makers}
    detectors = Detectors(learn(draw, params, makers), params)
    kinds = [*JUDGED, TWINS, *(kind for kind in (*JUDGED_ONLY, GAN) if kind in made.makers)]
    sizes = sizes_of(draw.shop.n_users, params)
    rows: list[dict[str, Any]] = []
    harm: list[dict[str, Any]] = []
    for kind, target in [(kind, int(target)) for kind in kinds for target in draw.pushed]:
        for size, number in sizes.items():
            rng = np.random.default_rng([params.seed, draw.number, target, number])
            scene = Scene(draw.shop, draw.to_judge, params.judged_fillers, params.dropped)
            fakes = attack(makers[kind], scene, target, number, rng)
            seen = profiles_of(draw.shop, fakes, kind)
            about = {KIND: kind, TARGET: draw.shop.items[target], SIZE: size, "draw": draw.number}
            about[ATTACK] = f"{about[TARGET]} at {size:g}"
            said = {arm: fitted.suspicion(seen) for arm, fitted in detectors.on(kind)}
            chosen_as = {arm: str(fitted.detector) for arm, fitted in detectors.on(kind)}
            if made.critic is not None:
                said[CRITIC] = made.critic(np.concatenate([draw.shop.given, fakes]))
            rows += [
                about
                | {"arm": arm, "detector": chosen_as.get(arm, CRITIC)}
                | judged(suspicion, seen, draw.n_learnt, params)
                for arm, suspicion in said.items()
            ]
            rows += [about | row for row in by_bursts(draw, fakes, target, seen, params)]
            is_harmed = target in draw.pushed[: params.harmed_targets] and kind in JUDGED
            if is_harmed and size == max(sizes):
                flagged = listed(said[ALL_PLAIN], seen.fake, draw.n_learnt, params)
                harm += [about | row for row in harm_of(draw.shop, fakes, target, flagged)]
    alone = profiles_of(draw.shop, draw.shop.given[:0], "")
    suspicion = detectors.of(LISTING).suspicion(alone)
    genuine = np.zeros(draw.shop.n_users, bool)
    alarms = listed(suspicion, genuine, draw.n_learnt, params)
    lost = lost_by(draw.shop, alarms, draw.n_learnt, params.seed)
    return Trials(
        pd.DataFrame(rows),
        pd.DataFrame(harm),
        pd.DataFrame(lost).assign(draw=draw.number),
        ranked_users(draw, suspicion, detectors.of(LISTING), params),
        pd.DataFrame(
            [{"draw": draw.number, "arm": k, "unlike": v} for k, v in made.unlike.items()],
            columns=["draw", "arm", "unlike"],
        ),
    )


def by_bursts(
    draw: Draw, fakes: np.ndarray, target: int, seen: Profiles, params: AttackParams
) -> Iterator[dict[str, Any]]:
    """What bursts of an item's ratings betray of an attack, by how long the attackers take.

    Args:
        draw: Users, and whose times attackers have.
        fakes: (n, n_items) fake profiles.
        target: The pushed item.
        seen: Genuine users and fakes.
        params: Days.

    Yields:
        One row per duration and, last, for attackers who are spread over the whole span.
    """
    values = np.concatenate([draw.shop.given, fakes])
    for place, days in enumerate((*params.within_days, None)):
        about = {"arm": bursts_arm(days)}
        if draw.shop.times is None or draw.donors is None:
            yield about | {"detector": "no times"} | undefined()
            continue
        rng = np.random.default_rng([params.seed, draw.number, target, len(fakes), place])
        times = timed(fakes, target, draw.shop.times, draw.donors, days, rng)
        suspicion = burst_suspicion(
            values, np.concatenate([draw.shop.times, times]), params.burst_days
        )
        yield about | {"detector": "bursts"} | judged(suspicion, seen, draw.n_learnt, params)


def ranked_users(
    draw: Draw, suspicion: np.ndarray, detector: Fitted, params: AttackParams
) -> pd.DataFrame:
    """Users that a draw ranks: those it did not learn from and, in the first, who is in no draw.

    Args:
        draw: Users.
        suspicion: (n_users,) of the shop without any attack.
        detector: What said so.
        params: Seed.
    """
    own = np.arange(draw.n_learnt, draw.shop.n_users)
    found = suspects_of(draw.shop, own, ranks_of(suspicion[own]))
    if draw.others is not None:
        others = rank_others(draw.others, draw.shop, detector, params.seed)
        found = pd.concat([found, others], ignore_index=True)
    return found.assign(draw=draw.number)


def learn(draw: Draw, params: AttackParams, makers: Mapping[str, Maker]) -> dict[str, Profiles]:
    """Attacks to learn from by kind, with the genuine users who are to be learnt from.

    Args:
        draw: Users and targets.
        params: Number and size.
        makers: By kind; those of other families are for judging only.
    """
    scene = Scene(draw.shop, draw.to_learn, params.training_fillers, params.dropped)
    number = round(params.training_size * draw.shop.n_users)
    found = {}
    for place, (kind, maker) in enumerate(makers.items()):
        if kind in JUDGED_ONLY:
            continue
        parts: list[Profiles] = []
        for target in draw.practised:
            rng = np.random.default_rng([params.seed, draw.number, place, int(target)])
            seen = profiles_of(draw.shop, attack(maker, scene, int(target), number, rng), kind)
            # The same genuine users with each target would teach nothing more.
            parts.append(seen.where(seen.fake if parts else _known(seen, draw.n_learnt)))
        found[kind] = stacked(parts)
    return found


def _known(seen: Profiles, n_learnt: int) -> np.ndarray:
    """Fakes, and the genuine users that are learnt from."""
    return seen.fake | (np.arange(len(seen.fake)) < n_learnt)


class Detectors:
    """Detectors by the kinds that they learnt from, each fitted once.

    Args:
        lessons: Attacks to learn from, by kind.
        params: Grid.
    """

    def __init__(self, lessons: Mapping[str, Profiles], params: AttackParams) -> None:
        self._lessons = lessons
        self._params = params
        self._fitted: dict[tuple[str, ...], Fitted] = {}

    def of(self, kinds: tuple[str, ...]) -> Fitted:
        """The detector that learnt from some kinds."""
        if kinds not in self._fitted:
            rows = stacked([self._lessons[kind] for kind in kinds])
            self._fitted[kinds] = chosen(rows, self._params)
        return self._fitted[kinds]

    def on(self, kind: str) -> Iterator[tuple[str, Fitted]]:
        """Name and detector of every arm that is tried on a kind, which none but bounds learnt."""
        is_warning = kind in (TWINS, GAN)
        for arm, kinds in LEARNT.items():
            if set(kinds) <= set(self._lessons):
                yield arm, self.of(tuple(k for k in kinds if is_warning or k != kind))
        if kind in self._lessons:
            yield ORACLE, self.of(tuple(dict.fromkeys((*KNOWN, kind))))
        yield PCA, Fitted(Detector(PCA), None)
