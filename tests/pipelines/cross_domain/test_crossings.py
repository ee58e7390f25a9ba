"""Who is known where: nothing of a masked department, and nothing of what comes later."""

import logging

import numpy as np
import pandas as pd
import pytest

from doppelcart.errors import InputError
from doppelcart.pipelines.cross_domain.crossings import (
    MASKED,
    NATURAL,
    TEST,
    TRAIN,
    VALIDATION,
    open_crossings,
    parts_of,
)
from doppelcart.pipelines.cross_domain.nodes import open_departments
from doppelcart.pipelines.cross_domain.params import DepartmentsParams

from .conftest import N_USERS, SMALL, crossings_of, make_shop, table


def by_protocol(crossings, protocol):
    return next(crossing for crossing in crossings if crossing.protocol == protocol)


def test_households_are_parted_by_share_and_seed():
    part = parts_of(100, SMALL)
    assert np.bincount(part).tolist() == [60, 20, 20]
    assert (part == parts_of(100, SMALL)).all()
    assert (part != parts_of(100, SMALL.model_copy(update={"seed": 1}))).any()


def test_a_masked_department_is_not_known(same):
    crossing = by_protocol(same, MASKED)
    for target in crossing.targets:
        known = crossing.known(target, target.test)
        assert known[:, target.inside].nnz == 0
        # What is bought elsewhere stays: two departments of four items, and the stall.
        assert (np.diff(known.indptr) == 9).all()
        assert (np.diff(crossing.truth(target).indptr) == 4).all()
        parts = [crossing.part[getattr(target, name)] for name in ("train", "validation", "test")]
        assert [set(part) for part in parts] == [{TRAIN}, {VALIDATION}, {TEST}]


def test_entrants_had_bought_nothing_there_and_are_judged_by_what_came_later(same):
    crossing = by_protocol(same, NATURAL)
    assert [target.name for target in crossing.targets] == ["tools"]
    (target,) = crossing.targets
    # Every fourth household comes late to the tools.
    assert target.test.tolist() == list(range(0, N_USERS, 4))
    assert crossing.history[target.test][:, target.inside].nnz == 0
    assert (np.diff(crossing.truth(target).indptr) == 4).all()
    assert not set(target.test) & {*target.train, *target.validation}


def test_what_comes_after_the_cut_changes_nothing_that_is_known():
    lines, items = make_shop("same")
    late = lines["day"] >= 60
    others = np.random.default_rng(1).permutation(lines["item_id"])
    shuffled = lines.assign(item_id=lines["item_id"].where(~late, others))
    one, other = (
        by_protocol(open_departments(table(own, "interactions"), table(items, "items"), SMALL)[0],
                    NATURAL)
        for own in (lines, shuffled)
    )  # fmt: skip
    assert (one.history != other.history).nnz == 0
    assert (one.later != other.later).nnz > 0
    assert (one.targets[0].train == other.targets[0].train).all()


def test_a_department_of_few_items_is_left_out_with_a_line(caplog):
    with caplog.at_level(logging.WARNING):
        crossings, sizes = crossings_of("same")
    assert "stall" not in set(sizes["department"])
    assert (
        "Departments that are left out of the masked protocol: stall (3 items of enough buyers, "
        "and it takes 5)." in caplog.text
    )
    assert len(crossings) == 2


def test_a_department_in_which_everybody_buys_is_a_source_alone(caplog):
    params = SMALL.model_copy(update={"largest_share": 0.97})
    with caplog.at_level(logging.WARNING):
        crossings, _ = crossings_of("same", params)
    assert "bread (100% of the households buy there, it is a source alone)" in caplog.text
    # A quarter had yet to come to the tools before the cut.
    assert [(c.protocol, [t.name for t in c.targets]) for c in crossings] == [(NATURAL, ["tools"])]


def test_a_shop_without_departments_is_told_what_it_needs():
    lines, items = make_shop("same")
    with pytest.raises(InputError, match=r"Declare `department` in `source: tables: items`"):
        open_departments(
            table(lines, "interactions"), table(items.assign(department=None), "items"), SMALL
        )


def test_lines_without_a_department_are_counted(caplog):
    lines, items = make_shop("same")
    items.loc[items["item_id"] == "stall0", "department"] = None
    n_lines = (lines["item_id"] == "stall0").sum()
    with caplog.at_level(logging.WARNING):
        open_departments(table(lines, "interactions"), table(items, "items"), SMALL)
    assert f"{n_lines} of {len(lines)} lines are left out: their items have no department" in (
        caplog.text
    )


def test_where_no_department_is_large_enough_the_run_stops_in_words():
    params = SMALL.model_copy(update={"min_households": 1_000})
    with pytest.raises(InputError, match=r"None of 4 departments can be recommended from") as error:
        crossings_of("same", params)
    assert "Lower cross_domain.departments.min_items" in str(error.value)


def test_without_times_departments_are_masked_alone(caplog):
    lines, items = make_shop("same")
    with caplog.at_level(logging.WARNING):
        crossings, _ = open_departments(
            table(lines.assign(timestamp=pd.NaT), "interactions"), table(items, "items"), SMALL
        )
    assert [crossing.protocol for crossing in crossings] == [MASKED]
    assert "The natural protocol is left out" in caplog.text


def test_somebody_must_be_left_to_learn_from():
    with pytest.raises(ValueError, match="leave no household to learn from"):
        DepartmentsParams(validation_share=0.5, test_share=0.5)


def test_crossings_need_lines_of_departments_alone(same):
    lines, items = make_shop("same")
    frame = lines.merge(items, on="item_id").astype(
        dict.fromkeys(["user_id", "item_id", "department"], "category")
    )
    again = open_crossings(frame, SMALL)
    assert (by_protocol(again, MASKED).history != by_protocol(same, MASKED).history).nnz == 0
