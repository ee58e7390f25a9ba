"""What artefacts were made from: ids, what changed behind them, and digests of files."""

import dataclasses
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doppelcart.data.lineage import (
    ABSENT,
    BLOCK,
    N_BLOCKS,
    WHOLE,
    Origin,
    Records,
    Step,
    changed,
    fingerprint,
    outdated,
    parameters_behind,
    plan,
    source,
)
from doppelcart.errors import LineageError

SPLIT = Step("split", 1, ["log"], ["train", "test"], {"split.seed": 0})
GAN = Step("gan", 2, ["train"], ["generator"], {"gan.epochs": 5})
INVENT = Step("augmentation", 1, ["generator", "train"], ["users"])
SCORE = Step("evaluation", 1, ["users", "train", "test"], ["scores"])
STEPS = [SPLIT, GAN, INVENT, SCORE]
LOG = {"log": source("log", "abc")}


def ids(origins: dict[str, Origin]) -> dict[str, str]:
    return {name: origin.id for name, origin in origins.items()}


def with_seed(seed: int) -> list[Step]:
    return [dataclasses.replace(SPLIT, parameters={"split.seed": seed}), *STEPS[1:]]


class TestPlan:
    def test_the_same_made_again_has_the_same_ids(self):
        assert plan(STEPS, LOG) == plan(STEPS, LOG)

    def test_outputs_of_one_step_are_told_apart(self):
        made = ids(plan(STEPS, LOG))
        assert len(set(made.values())) == len(made) == 5

    def test_everything_behind_is_on_record(self):
        users = plan(STEPS, LOG)["users"]
        assert set(users.parents) == {"generator", "train"}
        assert set(users.ancestors) == {"generator", "train", "log"}
        assert users.versions == {"split": 1, "gan": 2, "augmentation": 1}

    @pytest.mark.parametrize(
        ("steps", "log", "other"),
        [
            (with_seed(1), LOG, {"train", "test", "generator", "users", "scores"}),
            (STEPS, {"log": source("log", "b")}, {"train", "test", "generator", "users", "scores"}),
            ([SPLIT, dataclasses.replace(GAN, version=3), INVENT, SCORE], LOG,
             {"generator", "users", "scores"}),
            ([SPLIT, GAN, dataclasses.replace(INVENT, inputs=["train"]), SCORE], LOG,
             {"users", "scores"}),
        ],
        ids=["parameters", "data", "version", "parents"],
    )  # fmt: skip
    def test_whatever_differs_changes_all_that_comes_of_it_and_nothing_else(
        self, steps, log, other
    ):
        before, after = ids(plan(STEPS, LOG)), ids(plan(steps, log))
        assert {name for name in before if before[name] != after[name]} == other

    @given(st.sets(st.sampled_from(range(4))))
    def test_steps_run_alone_on_what_is_on_record_give_the_ids_of_a_whole_run(self, again):
        whole = plan(STEPS, LOG)
        part = [STEPS[i] for i in sorted(again)]
        made = {output for step in part for output in step.outputs}
        known = {name: origin for name, origin in (whole | LOG).items() if name not in made}
        assert plan(part, known) == {name: whole[name] for name in whole if name in made}


class TestWhatChanged:
    def test_users_of_another_split_are_stale_and_the_cause_is_named(self):
        old, new = plan(STEPS, LOG), plan(with_seed(1), LOG)
        present = ids(old) | {"train": new["train"].id, "test": new["test"].id}
        assert changed(old["users"], present) == ["train"]
        assert changed(old["train"], present) == []

    def test_nothing_changed_where_all_is_as_it_was(self):
        made = plan(STEPS, LOG)
        assert not any(changed(origin, ids(made)) for origin in made.values())

    def test_what_was_absent_and_is_there_now_is_a_change(self):
        alone = plan([SCORE], {name: plan(STEPS, LOG)[name] for name in ("train", "test")})
        assert alone["scores"].parents["users"] == ABSENT
        assert changed(alone["scores"], ids(alone)) == []
        assert changed(alone["scores"], ids(plan(STEPS, LOG))) == ["users"]

    def test_what_was_absent_is_not_in_the_id_so_that_older_records_fit(self):
        optional = dataclasses.replace(SPLIT, inputs=["log", "optional"])
        assert ids(plan([optional], LOG)) == ids(plan([SPLIT], LOG))

    def test_what_is_not_known_any_more_is_not_held_against_it(self):
        assert changed(plan(STEPS, LOG)["users"], {}) == []

    def test_older_algorithms_anywhere_behind_are_named(self):
        users = plan(STEPS, LOG)["users"]
        assert outdated(users, {"split": 1, "gan": 3, "augmentation": 1}) == ["gan"]
        assert outdated(users, {"split": 1, "gan": 2, "evaluation": 9}) == []


class TestRecords:
    def test_an_origin_is_read_as_it_was_written(self, tmp_path):
        records = Records(tmp_path / "new")
        assert records.all() == {}
        assert records.read("users") is None
        made = plan(STEPS, LOG)
        for origin in made.values():
            records.write(origin)
        assert records.read("users") == made["users"]
        assert records.all() == made
        assert not list((tmp_path / "new").glob("*.part"))

    def test_a_name_with_dots_is_one_dataset(self, tmp_path):
        records = Records(tmp_path)
        for name in ("gan.generator", "gan"):
            records.write(source(name, name))
        assert set(records.all()) == {"gan.generator", "gan"}

    @pytest.mark.parametrize("text", ["", "{", "[]", '{"what": 1}'])
    def test_a_damaged_record_is_refused_by_its_file(self, tmp_path, text):
        (tmp_path / "users.json").write_text(text)
        with pytest.raises(LineageError, match=r"users\.json.*Delete it"):
            Records(tmp_path).all()


class TestFingerprint:
    def test_content_counts_and_time_does_not(self, tmp_path):
        one, other = tmp_path / "one", tmp_path / "other"
        one.write_bytes(b"abc")
        other.write_bytes(b"abc")
        os.utime(other, (1, 1))
        assert fingerprint(one) == fingerprint(other) != ""
        other.write_bytes(b"abd")
        assert fingerprint(one) != fingerprint(other)

    def test_nothing_has_none(self, tmp_path):
        assert fingerprint(tmp_path / "absent") == ""

    def test_of_a_folder_each_file_and_its_name_count(self, tmp_path):
        folder = tmp_path / "parts"
        folder.mkdir()
        (folder / "a").write_bytes(b"1")
        before = fingerprint(folder)
        (folder / "a").rename(folder / "b")
        assert fingerprint(folder) != before

    @pytest.mark.parametrize("place", [0, 15 * (WHOLE + 5 - BLOCK) // (N_BLOCKS - 1), WHOLE + 4])
    def test_a_large_file_is_known_by_its_size_its_ends_and_blocks_between(self, tmp_path, place):
        path = tmp_path / "large"
        path.touch()
        os.truncate(path, WHOLE + 5)
        before = fingerprint(path)
        os.truncate(path, WHOLE + 6)
        assert fingerprint(path) != before
        os.truncate(path, WHOLE + 5)
        assert fingerprint(path) == before
        with path.open("r+b") as file:
            file.seek(place)
            file.write(b"x")
        assert fingerprint(path) != before


class TestParametersBehind:
    def test_they_are_those_of_all_that_a_dataset_descends_from(self):
        made = plan(STEPS, LOG)
        assert parameters_behind(["scores"], made) == {
            "split.seed": {"split": 0},
            "gan.epochs": {"gan": 5},
        }
        assert parameters_behind(["train", "absent"], made) == {"split.seed": {"split": 0}}

    def test_what_was_made_anew_since_is_not_behind(self):
        other = dataclasses.replace(GAN, parameters={"gan.epochs": 7})
        made = plan(STEPS, LOG) | plan([other], plan([SPLIT], LOG))
        assert parameters_behind(["scores"], made) == {"split.seed": {"split": 0}}
