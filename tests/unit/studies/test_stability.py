"""The table of stability from units made by hand, and units of a generator of eight Gaussians."""

from __future__ import annotations

import math
import time
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doppelcart.adversarial import loop
from doppelcart.adversarial.trainer import Trainer
from doppelcart.errors import TrainingDivergedError
from studies import stability
from studies.machine import PROJECT
from studies.memory import digest
from studies.study import Study, TimeIsUp
from studies.trained import images, users
from studies.trained.family import Family, Inputs, Made, spread_of
from studies.trained.outcome import Outcome, unit
from studies.trained.reviews import some_of_each
from studies.watching import watched
from tests import ring

NAN = math.nan
VANISHED, EXPLODED = "vanishing gradients, generator", "exploding gradients, critic"
COVERED = "mode collapse: coverage of real users' neighbourhoods"


def outcome(**changes) -> Outcome:
    """A training in which nothing went wrong."""
    sound = Outcome(
        "gan",
        seconds=10.0,
        epochs=6,
        best_epoch=4,
        recoveries=0,
        gradients={"generator": 2.0, "critic": 5.0},
        judged=(VANISHED, EXPLODED, COVERED),
        findings=(),
        fidelity=0.5,
        coverage=0.9,
    )
    return sound._replace(**changes)


def family(train=lambda data, seed: {}, **changes) -> Family:
    """Two generators that are trained together."""
    told = {
        "name": "ring",
        "data": "eight Gaussians",
        "generators": {"gan": "points: GAN", "vae": "points: VAE"},
        "fidelity": "how few points stray",
        "code": ("studies/stability.py",),
        "read": lambda: Inputs(None, [b"points"]),
    }
    return Family(**told | changes, train=train)


def table(*outcomes: Outcome) -> dict[str, stability.Figure]:
    return {figure.figure: figure for figure in stability.figures_of(family(), outcomes)}


def test_a_row_of_the_table_from_three_trainings():
    found = table(
        outcome(),
        outcome(
            seconds=30.0,
            recoveries=2,
            gradients={"generator": 8.0, "critic": 2e4},
            findings=(EXPLODED, COVERED),
            fidelity=0.2,
            coverage=0.1,
        ),
        outcome(seconds=20.0, gradients={"generator": 3.0, "critic": 7.0}, fidelity=0.8),
    )
    shown = {
        name.removeprefix("points: GAN, "): (figure.value, figure.low, figure.high)
        for name, figure in found.items()
        if name.startswith("points: GAN, ")
    }
    assert shown == {
        "trainings": pytest.approx((3, NAN, NAN), nan_ok=True),
        "without a recovery": pytest.approx((200 / 3, NAN, NAN), nan_ok=True),
        "recoveries": pytest.approx((2, NAN, NAN), nan_ok=True),
        "epochs": (6, 6, 6),
        "mode collapse": pytest.approx((1, NAN, NAN), nan_ok=True),
        # Nothing judged it: no zero is made of that.
        "posterior collapse": pytest.approx((NAN, NAN, NAN), nan_ok=True),
        "vanishing gradients": pytest.approx((0, NAN, NAN), nan_ok=True),
        "exploding gradients": pytest.approx((1, NAN, NAN), nan_ok=True),
        "near copies": pytest.approx((NAN, NAN, NAN), nan_ok=True),
        "gradient of the generator": (3, 2, 8),
        "gradient of critic or encoder": (7, 5, 2e4),
        "coverage": pytest.approx((1.9 / 3, 0.1, 0.9)),
        "fidelity": pytest.approx((0.5, 0.2, 0.8)),
        "seconds": (20, 10, 30),
    }
    assert "how few points stray" in found["points: GAN, fidelity"].how


def test_a_training_that_ended_without_a_generator_counts_as_one_that_recovered():
    lost = outcome(recoveries=4, best_epoch=0, seconds=NAN, fidelity=NAN, coverage=NAN)
    found = table(outcome(), lost)
    assert found["points: GAN, without a recovery"].value == 50
    assert found["points: GAN, recoveries"].value == 4
    assert found["points: GAN, fidelity"].value == 0.5
    assert found["points: GAN, fidelity"].how.endswith(" 1 without one.")


def test_a_generator_that_was_never_reached_has_no_trainings():
    found = table(outcome())
    assert found["points: VAE, trainings"].value == 0
    assert math.isnan(found["points: VAE, without a recovery"].value)
    assert math.isnan(found["points: VAE, recoveries"].value)


def test_an_encoder_stands_where_a_critic_would():
    found = table(outcome(gradients={"generator": 1.0, "encoder": 4.0}))
    assert found["points: GAN, gradient of critic or encoder"].value == 4
    alone = table(outcome(gradients={"generator": 1.0}))
    assert math.isnan(alone["points: GAN, gradient of critic or encoder"].value)


def test_every_row_has_the_same_columns():
    columns = {name.rpartition(", ")[2] for name in table(outcome())}
    for row in ("points: GAN", "points: VAE"):
        own = {name.rpartition(", ")[2] for name in table(outcome()) if name.startswith(row)}
        assert own == columns


def trained_ring(epochs: int, kind: type[Trainer] = Trainer, seed: int = 0) -> loop.Trained:
    config = ring.RingConfig(epochs=epochs, evaluate_every=1, max_recoveries=1, seed=seed)
    batches = ring.PointBatches(ring.draw_points(256, seed=0), config)
    return loop.train(ring.build_trainer(config, kind=kind), batches, ring.evaluate)


def test_a_unit_of_a_small_generator():
    kept = []

    def train(data, seed):
        kept.append(trained_ring(2, seed=seed))
        return {"gan": Made(0.25, {"coverage": 0.0, "recall": 0.0})}

    (first,) = unit(family(train), Inputs(None, []), 3)
    log, best = kept[0].training_log, kept[0].best_epoch
    assert first.generator == "gan"
    assert (first.epochs, first.best_epoch, first.recoveries) == (2, best, 0)
    assert first.seconds > 0
    assert first.gradients == {
        "critic": log["critic_gradient_norm"].max(),
        "generator": log["generator_gradient_norm"].max(),
    }
    # The trainer's own evaluation goes before what the study measures.
    assert first.coverage == log.loc[log["epoch"] == best, "coverage"].iloc[0] > 0
    assert any(name.startswith("mode collapse: recall") for name in first.judged)
    assert not any(name.startswith("posterior") for name in first.judged)
    assert first.fidelity == 0.25


class BrokenTrainer(Trainer):
    """Whose loss is never a number."""

    def step(self, batch, seeds, epoch):
        return {"generator_loss": NAN, "generator_gradient_norm": 3.0}


def test_a_unit_that_diverges_says_so_and_ends_those_after_it(capsys):
    def train(data, seed):
        trained_ring(5, BrokenTrainer)
        raise AssertionError("is not reached")

    (only,) = unit(family(train), Inputs(None, []), 1)
    assert (only.generator, only.epochs, only.best_epoch, only.recoveries) == ("gan", 2, 0, 2)
    assert math.isnan(only.seconds)
    assert math.isnan(only.fidelity)
    assert only.gradients == {"generator": 3.0}
    assert any(name.startswith("divergence") for name in only.findings)
    assert stability.warned(only, "exploding gradients") == 0
    assert math.isnan(stability.warned(only, "mode collapse"))
    assert "ring, seed 1: Training of the generator diverged 2 times" in capsys.readouterr().out


@pytest.fixture
def private(monkeypatch):
    """The private family, and what its training is to yield: rows of the log, or an error."""
    from doppelcart.models.histories import private_training

    asked, yielded = [], {}

    def train(histories, network, config, epsilon):
        asked.append((config.secret_seed, epsilon))
        if not yielded:
            raise TrainingDivergedError("Private training diverged.")
        log = pd.DataFrame(yielded)
        return private_training.PrivatelyTrained(None, None, log, 1.0, epsilon)

    monkeypatch.setattr(private_training, "train_privately", train)
    monkeypatch.setattr(
        users, "measured", lambda *given: {"selection": 1.25, "coverage": 0.1, "recall": 0.5}
    )
    shop = SimpleNamespace(train=SimpleNamespace(n_users=1024))
    (own,) = [one for one in users.families() if isinstance(one, users.PrivateFamily)]
    return shop, own, asked, yielded


def test_a_private_training_is_told_by_its_own_log(private):
    shop, own, asked, yielded = private
    yielded |= {
        "step": [50.0, 100.0],
        "generator_loss": [1.0, 2.0],
        "generator_gradient_norm": [3.0, 1.0],
        "critic_gradient_norm": [9.0, 11.0],
    }
    (found,) = stability.trained(own, Inputs(shop, []), 4)
    # The parameters of a run: 200 steps of 512 users, of whom there are 1,024 here; epsilon 8.
    assert asked == [(5, 8.0)]
    assert (found.generator, found.epochs, found.best_epoch, found.recoveries) == (
        "private",
        100,
        100,
        0,
    )
    assert found.gradients == {"generator": 3.0, "critic": 11.0}
    assert (found.fidelity, found.coverage) == (1.25, 0.1)
    assert [name.partition(" of")[0] for name in found.findings] == ["mode collapse: coverage"]


def test_a_private_training_that_diverges_has_no_generator(private, capsys):
    shop, own, _, _ = private
    (found,) = stability.trained(own, Inputs(shop, []), 0)
    assert found.best_epoch == 0
    assert math.isnan(found.fidelity)
    assert "seed 0: Private training diverged." in capsys.readouterr().out


def test_users_of_every_kind_are_trained_with_their_own_parameters():
    told = {name: users.told_of(name, 3) for name in users.TITLES}
    assert {name: own["family"] for name, own in told.items()} == {
        "vae": "vae",
        "denoiser": "gan",
        "gan": "gan",
        "diffusion": "diffusion",
    }
    assert [told[name]["adversarial_weight"] for name in ("gan", "denoiser")] == [0.3, 0.0]
    assert {own["training"]["seed"] for own in told.values()} == {3}
    assert "denoiser_units" in told["diffusion"]["network"]
    # A key that named a folder would be another one in every copy of the project.
    assert str(PROJECT) not in str(told)


def test_the_trainer_is_what_it_was_after_it_was_watched():
    before = loop.Progress, loop.Trained
    with pytest.raises(TrainingDivergedError), watched() as trainings:
        trained_ring(2, BrokenTrainer)
    assert (loop.Progress, loop.Trained) == before
    assert [len(training.log) for training in trainings] == [2]


@pytest.fixture
def counted(monkeypatch, tmp_path) -> list[int]:
    """The seeds that were trained by a study of one family, which is kept in a folder."""
    seeds: list[int] = []

    def work(own, inputs, seed):
        seeds.append(seed)
        return [outcome(fidelity=float(seed))]

    monkeypatch.setattr(stability, "CACHE", tmp_path / "kept")
    monkeypatch.setattr(stability, "trained", work)
    monkeypatch.setattr(stability, "families", lambda: [family()])
    return seeds


def test_a_study_goes_on_where_its_time_was_up(counted, tmp_path):
    over = Study("stability", tmp_path, until=time.monotonic())
    for _ in range(2):
        with pytest.raises(TimeIsUp):
            list(stability.measure(over))
    # A unit that is kept is told once more, and then time is up again.
    assert counted == [0]
    (figures,) = stability.measure(Study("stability", tmp_path))
    assert counted == [0, 1, 2, 3, 4]
    fidelity = next(one for one in figures if one.figure == "points: GAN, fidelity")
    assert (fidelity.value, fidelity.low, fidelity.high) == (2, 0, 4)


def test_what_several_learn_from_is_read_once(counted, monkeypatch, tmp_path):
    opened = []

    def read():
        opened.append("points")
        return Inputs(None, [b"points"])

    alike = [family(name=name, read=read) for name in ("ring", "line")]
    monkeypatch.setattr(stability, "families", lambda: alike)
    assert len(list(stability.measure(Study("stability", tmp_path)))) == 2
    assert (len(opened), len(counted)) == (1, 10)


def test_a_unit_is_known_by_its_data_its_family_its_seed_and_its_code():
    inputs = Inputs(None, [b"points"])
    own = digest(stability.made_from(family(), inputs, 0))
    assert own == digest(stability.made_from(family(), inputs, 0))
    others = [
        (family(), Inputs(None, [b"others"]), 0),
        (family(name="line"), inputs, 0),
        (family(), inputs, 1),
        (family(code=("studies/figures.py",)), inputs, 0),
    ]
    assert len({own, *(digest(stability.made_from(*other)) for other in others)}) == 5


def test_every_generator_has_a_title_and_code_of_its_own():
    listed = [*stability.families(), *images.pictures(), *images.lookalikes()]
    titles = [title for one in listed for title in one.generators.values()]
    assert len(titles) == len(set(titles))
    assert len({one.name for one in listed}) == len(listed)
    assert all((PROJECT / place).exists() for one in listed for place in one.code)


def test_no_network_of_the_product_is_left_out():
    """Whatever is trained by the adversarial trainer is behind some row of the table."""
    listed = [*stability.families(), *images.pictures(), *images.lookalikes()]
    behind = {PROJECT / place for one in listed for place in one.code}
    training = [
        path
        for path in (PROJECT / "src" / "doppelcart").rglob("*.py")
        if "adversarial.loop import" in (text := path.read_text(encoding="utf-8"))
        and "train" in text.partition("adversarial.loop import")[2].partition("\n")[0]
    ]
    assert len(training) >= 6
    assert [path for path in training if not behind & {path, *path.parents}] == []


@given(st.integers(0, 2**31 - 1), st.integers(8, 30), st.integers(8, 30), st.integers(1, 40))
def test_spread_is_a_share_and_whole_where_both_are_the_same(seed, n_real, n_made, width):
    rng = np.random.default_rng(seed)
    real, made = rng.normal(size=(n_real, width)), rng.normal(size=(n_made, width))
    assert all(0 <= value <= 1 for value in spread_of(real, made).values())
    assert spread_of(real, real) == {"coverage": 1.0, "recall": 1.0}


def test_spread_of_what_collapsed_is_small():
    rng = np.random.default_rng(0)
    real = np.concatenate([rng.normal(place, 0.1, (50, 2)) for place in (-5, 5)])
    everywhere = np.concatenate([rng.normal(place, 0.1, (50, 2)) for place in (-5, 5)])
    assert spread_of(real, everywhere)["coverage"] > 0.8
    assert spread_of(real, np.full((100, 2), 5.0) + rng.normal(0, 0.1, (100, 2)))["coverage"] < 0.6
    assert math.isnan(spread_of(real[:4], real)["coverage"])


@given(st.lists(st.booleans(), min_size=2, max_size=60), st.integers(1, 10))
def test_as_many_labels_of_either_kind(labels, halves):
    kinds = np.array(labels)
    found = some_of_each(kinds, 2 * halves, seed=0)
    assert len(set(found)) == len(found)
    for kind in (False, True):
        assert (kinds[found] == kind).sum() == min(halves, (kinds == kind).sum())
