"""The whole pipeline on a small made-up shop, from rows to section, list and card."""

import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from doppelcart.errors import InputError
from doppelcart.models.histories.hyperparameters import (
    FactorisingConfig,
    NetworkConfig,
    TrainingConfig,
)
from doppelcart.pipelines.shilling import create_pipeline, fake_detectors
from doppelcart.pipelines.shilling import nodes as shilling_nodes
from doppelcart.pipelines.shilling.attack_design import (
    GAN,
    GANMF,
    OTHER_FAMILY,
    WITHOUT_CRITIC,
)
from doppelcart.pipelines.shilling.attack_results import judged
from doppelcart.pipelines.shilling.attack_trials import Generated
from doppelcart.pipelines.shilling.attack_trials import draw_parts as parts_of
from doppelcart.pipelines.shilling.attacks import AOP, MAKERS, MIMICRY, Scene
from doppelcart.pipelines.shilling.fake_detectors import Profiles
from doppelcart.pipelines.shilling.generated import trained_on
from doppelcart.pipelines.shilling.params import (
    AttackParams,
    GeneratorParams,
    ListParams,
    RatingParams,
    RatingSource,
)
from doppelcart.pipelines.shilling.profile_attributes import attributes
from doppelcart.pipelines.shilling.section import _sizes, ranked_in_words
from doppelcart.reporting.blocks import Skipped
from doppelcart.reporting.model_card import FIELDS
from doppelcart.reporting.params import ReportingParams

SOURCE = RatingSource(
    name="made up",
    scale=(1, 5),
    files={"lines": {"path": "lines.parquet"}},
    table={
        "from": "lines",
        "columns": {name: name for name in ("user_id", "item_id", "rating", "timestamp")},
    },
)
ATTACKS = AttackParams(
    targets=2,
    draws=1,
    sizes=(0.1,),
    training_size=0.1,
    training_targets=1,
    training_fillers=0.1,
    judged_fillers=0.15,
    penalties=(1.0,),
    trees=5,
    n_bootstrap=10_000,
)
SMALL = TrainingConfig(epochs=1, batch_size=16, evaluate_every=1)
TINY = FactorisingConfig(epochs=1, factors=2, code_units=4, evaluate_every=1)


@pytest.fixture
def tables(table):
    """The rows of a small shop as the file of a source, registered in an engine."""
    import ibis

    connection = ibis.duckdb.connect()
    connection.con.register("lines", table())
    return {"lines": connection.table("lines")}


class Kept(MemoryDataset):
    """What is made on the way, and can still be looked at when the run is over."""

    def release(self):
        pass


def run(tables, **changed):
    """Every dataset of a run, by name."""
    given = {
        "raw_ratings": tables,
        "params:ratings": SOURCE,
        "params:shilling.reading": RatingParams(),
        "params:shilling.attacks": ATTACKS,
        "params:shilling.listing": ListParams(listed=3),
        "params:shilling.generator": GeneratorParams(),
        "params:shilling.network": NetworkConfig(hidden_units=8, critic_units=8),
        "params:shilling.training": SMALL,
        "params:shilling.ganmf": TINY,
        "params:reporting": ReportingParams(),
    } | changed
    made = create_pipeline().all_outputs()
    kept = {name: Kept(copy_mode="assign") for name in made}
    read = {n: MemoryDataset(v, copy_mode="assign") for n, v in given.items()}
    SequentialRunner().run(create_pipeline(), DataCatalog(read | kept))
    return kept


def test_a_table_becomes_a_section_a_list_and_a_card(tables, monkeypatch):
    def refuse(*given):
        raise AssertionError("nobody asked for generated profiles")

    monkeypatch.setattr(shilling_nodes, "trained_on", refuse)
    done = run(tables)
    section = done["shilling.section"].load()
    assert section.failure == ""
    assert section.data == "made up"
    assert "Not tried in this run" in section.answer
    told = [block.text for block in section.blocks if isinstance(block, Skipped)]
    assert any("shilling.generator.generate_fakes=true" in text for text in told)
    listed = section.shown[1].table
    assert listed.caption == "To be looked at by a person"
    assert len(listed.rows) == 3
    assert "flag" not in listed.headings
    assert "nobody is deleted" in section.shown[0].text
    ranked = len(done["shilling.suspects"].load())
    assert f"{ranked} of 160 users were ranked. Of the others 0 have" in section.shown[0].text
    assert section.shown[1].inside
    captions = [block.table.caption for block in section.blocks if hasattr(block, "table")]
    assert "The same by size of the attack" in captions
    assert not any("bursts" in text.lower() for text in told)
    card = done["shilling.card"].load()
    assert set(card) == {"model", *FIELDS}
    assert f"{100 * ATTACKS.held_out:g} % of the users are in no matrix" in str(card["split"])
    page = done["shilling.card_page"].load()
    assert "deleting, blocking or accusing" in page


def test_a_shop_without_times_is_told_that_bursts_are_undefined(tables):
    columns = {n: e for n, e in SOURCE.table["columns"].items() if n != "timestamp"}
    source = SOURCE.model_copy(update={"table": {"from": "lines", "columns": columns}})
    section = run(tables, **{"params:ratings": source})["shilling.section"].load()
    assert section.failure == ""
    told = [block.text for block in section.blocks if isinstance(block, Skipped)]
    assert any("has no times" in text and "`timestamp`" in text for text in told)


def test_generated_profiles_are_tried_only_if_asked(tables, monkeypatch):
    def train(network, training, ganmf):
        makers = {GAN: MAKERS[AOP], WITHOUT_CRITIC: MAKERS[AOP]}
        makers |= dict.fromkeys((OTHER_FAMILY, GANMF), MAKERS[MIMICRY])
        unlike = dict.fromkeys(makers, 0.5)
        return lambda draw, seed: Generated(makers, lambda given: given.sum(axis=1), unlike)

    monkeypatch.setattr(shilling_nodes, "trained_on", train)
    done = run(tables, **{"params:shilling.generator": GeneratorParams(generate_fakes=True)})
    section = done["shilling.section"].load()
    assert section.failure == ""
    assert set(section.evidence) == {"hard_examples"}
    assert not any(isinstance(block, Skipped) for block in section.blocks)
    text = section.model_dump_json()
    assert "the critic's opinion alone" in text
    assert "not to be trusted" in text
    # Marked profiles are nowhere in what is saved: the words only say what their mark is.
    assert text.count("gen-") == text.count("an id that begins with gen-")
    saved = {name: done[name].load() for name in done if name != "shilling.section"}
    assert len(saved) > 10
    for name, found in saved.items():
        told = found.to_csv() if isinstance(found, pd.DataFrame) else str(found)
        assert "gen-" not in told, name


def test_whoever_meets_a_fake_profile_knows_it(ratings, monkeypatch):
    met = []
    monkeypatch.setattr(
        fake_detectors, "attributes", lambda crowd: met.append(crowd) or attributes(crowd)
    )
    shop = ratings()
    fake_detectors.profiles_of(shop, shop.given[:2], "mimicry")
    (crowd,) = met
    assert crowd.users[: shop.n_users].tolist() == shop.users.tolist()
    assert crowd.users[shop.n_users :].tolist() == ["gen-mimicry-0", "gen-mimicry-1"]


def test_sizes_of_attacks_are_told_as_they_are():
    assert _sizes(AttackParams(sizes=(0.005, 0.015, 0.1))) == "0.5 % and 1.5 % and 10 %"


def test_a_list_that_holds_all_users_says_so():
    counts = pd.DataFrame({"what": ["users of fewer than 5 items"], "number": [0], "of": [2]})
    told = ranked_in_words(pd.DataFrame({"user_id": ["a", "b"]}), counts)
    assert told == "All 2 users were ranked."


def test_alarms_are_counted_among_genuine_users_that_were_not_learnt_from():
    # Ten users are learnt from. Of the ten others two lead by suspicion, one of them of few items;
    # of the two fakes one stands above both.
    lengths = np.array([9] * 10 + [1, 1, 1, 5, 5, 5, 5, 5, 5, 5] + [4, 4])
    fake = np.arange(22) >= 20
    said = np.concatenate([np.full(10, 9.0), [0.8, 0, 0, 0.7, 0, 0, 0, 0, 0, 0], [0.9, 0.1]])
    kinds, users = np.full(22, "mimicry"), np.where(fake, -1, np.arange(22))
    seen = Profiles(np.zeros((22, 1)), np.zeros(22), fake, kinds, lengths, users)
    found = judged(said, seen, 10, AttackParams(false_alarms=0.2))
    assert found["false"] == pytest.approx(0.2)
    assert found["false_new"] == pytest.approx(1 / 3)
    assert found["found"] == pytest.approx(0.5)
    assert found["f1"] == pytest.approx(0.5)
    assert found["value"] == pytest.approx((10 + 8) / 20)


@pytest.mark.slow
def test_generated_profiles_are_on_the_scale_and_scored_by_the_critic(ratings):
    shop = ratings()
    draw = next(iter(parts_of(shop, ATTACKS)))
    made = trained_on(NetworkConfig(hidden_units=8, critic_units=8), SMALL, TINY)(draw, 0)
    assert set(made.makers) == {GAN, WITHOUT_CRITIC, OTHER_FAMILY, GANMF}
    assert set(made.unlike) == set(made.makers)
    scene = Scene(draw.shop, draw.to_judge, 0.1, 0.3)
    for maker in made.makers.values():
        profiles = maker(scene, 6, np.random.default_rng(0))
        assert profiles.shape == (6, shop.n_items)
        assert set(np.unique(profiles)) <= {0, 1, 2, 3, 4, 5}
    assert made.critic(draw.shop.given).shape == (draw.shop.n_users,)
    assert np.isfinite(list(made.unlike.values())).all()


def test_a_source_is_declared_in_one_way_with_a_scale_in_order():
    with pytest.raises(ValueError, match="either `from` with `columns`, or `sql`"):
        RatingSource(name="x", files={"a": {"path": "a"}}, table={"columns": {}})
    with pytest.raises(ValueError, match="the lowest rating must be below the highest"):
        RatingSource(**{**SOURCE.model_dump(), "scale": (5, 1)})


def test_expressions_that_do_not_fit_are_refused_in_words(tables):
    columns = SOURCE.table["columns"] | {"rating": "stars"}
    wrong = SOURCE.model_copy(update={"table": {"from": "lines", "columns": columns}})
    with pytest.raises(InputError, match=r"the table of made up cannot be made .*stars"):
        shilling_nodes.read_opinions(tables, wrong, RatingParams())


def test_a_refusal_names_the_files(tables):
    columns = SOURCE.table["columns"] | {"rating": "'good'"}
    source = SOURCE.model_copy(update={"table": {"from": "lines", "columns": columns}})
    with pytest.raises(
        InputError, match=r"ratings are no numbers.*\n  ratings: files: lines: lines\.parq"
    ):
        shilling_nodes.read_opinions(tables, source, RatingParams())
