"""The page of claims: of one capability and of twenty, run and not run, with studies beside."""

import re
from typing import Any

import pandas as pd
import pytest

from doppelcart import pipelines
from doppelcart.errors import InputError
from doppelcart.pipelines.claims.__main__ import COLLECT, commands, run_all
from doppelcart.pipelines.claims.nodes import (
    COLUMNS,
    FOUND,
    KEYS,
    collect_claims,
    tabulate_claims,
    write_claims,
)
from doppelcart.reporting.capabilities import find_capabilities
from doppelcart.reporting.section import Capability, Claim, Evidence
from doppelcart.reporting.signals import PROVEN, WORSE

NONE = pd.DataFrame()


def capability(number: int, **fields: Any) -> Capability:
    claim = Claim(name="better", text=f"Claim {number} <b>.", source="Somebody 2020")
    return Capability(
        name=f"c{number}", rank=number, title="T", question="Q?", claims=(claim,),
        command=f"kedro run --pipelines c{number}", **fields,
    )  # fmt: skip


def section(made: Capability, **evidence: Any) -> Any:
    found = Evidence(
        **{"signal": PROVEN, "measure": "NDCG", "unit": "%", "effect": 5.0, "low": 3.0,
           "high": 7.0, "controls": 4, "beaten": 3} | evidence
    )  # fmt: skip
    return made.section("A.", [], evidence={"better": found}, facts={"source": "shop"})


def study(**fields: Any) -> pd.DataFrame:
    row = {"capability": "c1", "claim": "better", "verdict": "harms", "measure": "NDCG",
           "unit": "%", "effect": -1.0, "low": -2.0, "high": -0.5, "seeds": 5, "data": "all",
           "date": "2026-01-02", "commit": "abc"}  # fmt: skip
    return pd.DataFrame([row | fields])


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html[html.index("<body") :]).split())


@pytest.mark.parametrize("number", [1, 20])
def test_there_is_one_row_per_claim_and_those_not_run_say_how_to_run_them(number):
    known = [capability(n) for n in range(1, number + 1)]
    absent = known[1::2]
    sections = {c.name: None if c in absent else section(c) for c in known}
    table = tabulate_claims(known, sections, NONE)
    assert table.columns.tolist() == list(COLUMNS)
    assert table["capability"].tolist() == [c.name for c in known]
    assert (table["verdict"] == "not run").sum() == len(absent)
    told = text_of(write_claims(table))
    assert f"{number - len(absent)} of {number} claims were tried" in told
    assert f"; {len(absent)} were not run" in told
    assert told.count("+5.0 % (+3.0 % to +7.0 %)") == number - len(absent)
    assert told.count("one seed: indicative") == number - len(absent)
    for c in absent:
        assert f"To run it: {c.command}" in told


def test_a_row_says_where_it_comes_from_and_what_it_beat():
    one = capability(1)
    made = section(one)
    (row,) = tabulate_claims([one], {"c1": made}, NONE).to_dict("records")
    assert (row["data"], row["controls"], row["beaten"], row["seeds"]) == ("shop", 4, 3, 1)
    assert (row["date"], row["commit"]) == (made.written, made.commit)
    told = text_of(write_claims(tabulate_claims([one], {"c1": made}, NONE)))
    assert "3 of 4" in told
    assert "Claim 1 &lt;b&gt;." in told


def test_the_study_stands_beside_the_run():
    one, two = capability(1), capability(2)
    table = tabulate_claims([one, two], {"c1": section(one), "c2": section(two)}, study())
    assert table["study_verdict"].isna().tolist() == [False, True]
    assert table["study_seeds"].iloc[0] == 5
    told = text_of(write_claims(table))
    assert told.count("Study over several seeds") == 1
    assert "5 seeds" in told
    assert "harms" in told


def test_a_claim_that_was_not_run_shows_its_study():
    told = text_of(write_claims(tabulate_claims([capability(1)], {}, study())))
    assert "not run" in told
    assert "5 seeds" in told


def test_a_section_that_failed_or_does_not_judge_is_no_verdict():
    one, two = capability(1), capability(2)
    failed = section(one).model_copy(update={"failure": "KeyError: x"})
    silent = section(two).model_copy(update={"evidence": {}})
    table = tabulate_claims([one, two], {"c1": failed, "c2": silent}, NONE)
    assert table["verdict"].tolist() == ["section not written", "not judged"]
    told = text_of(write_claims(table))
    assert (
        "0 of 2 claims were tried; 0 were not run on the present data, and others have no verdict "
        "(not judged: 1, section not written: 1)."
    ) in told
    assert told.count("To run it: ") == 2


def test_values_that_are_no_change_are_written_as_such():
    one = capability(1)
    found = section(one, signal=WORSE, unit="", effect=0.8326, low=0.785, high=0.8704)
    told = text_of(write_claims(tabulate_claims([one], {"c1": found}, NONE)))
    assert "0.8326 (0.7850 to 0.8704)" in told


@pytest.mark.parametrize(
    ("studies", "told"),
    [
        (study().drop(columns=["seeds", "data"]), "lacks 2 columns: seeds, data"),
        (study(capability="c9"), r"1 claims that no capability makes: c9\.better"),
        (pd.concat([study(), study()]), r"1 claims more than once: c1\.better"),
    ],
)
def test_studies_that_fit_to_no_claim_are_refused(studies, told):
    with pytest.raises(InputError, match=told):
        tabulate_claims([capability(1)], {}, studies)


def test_a_study_has_the_columns_that_a_run_has():
    assert set(study()) == {*KEYS, *FOUND}


def test_every_claim_of_the_project_is_listed_though_nothing_was_run():
    table = collect_claims(NONE)
    assert {"new_users", "completion", "segments", "release", "search"} <= set(table["claim"])
    assert set(table["verdict"]) == {"not run"}
    assert text_of(write_claims(table)).count("To run it:") == len(table)


def test_everything_that_makes_claims_is_run_once_and_collected_at_the_end():
    wanted = commands(find_capabilities(pipelines))
    assert wanted[0] == "kedro run"
    assert "kedro run --pipelines privacy --tags audit" in wanted
    assert wanted[-1] == COLLECT
    assert len(set(wanted)) == len(wanted)


def test_generators_of_fakes_are_trained_only_if_the_operator_says_so():
    known = find_capabilities(pipelines)
    fakes = {c.name for c in known if c.fakes}
    assert {"shilling", "reviews", "lookalikes"} == fakes
    assert not any("generate_fakes" in command for command in commands(known))
    asked = [c for c in commands(known, generate_fakes=True) if "generate_fakes=true" in c]
    assert len(asked) == len(fakes)
    assert "kedro run --pipelines shilling --params shilling.generator.generate_fakes=true" in asked


def test_a_row_says_of_how_many_cases_it_is_the_best():
    one = capability(1)
    found = section(one, where="a shop of 5", cases=4, alike=1)
    table = tabulate_claims([one], {"c1": found}, NONE)
    told = text_of(write_claims(table))
    assert "best of 4 cases: a shop of 5; 1 of 4 have this verdict" in told
    beside = tabulate_claims([one, capability(2)], {"c1": found}, NONE)
    as_read = beside.astype({"cases": float, "alike": float})
    for told in map(text_of, map(write_claims, (beside, as_read))):
        assert "best of 4 cases: a shop of 5; 1 of 4 have this verdict" in told
    alone = section(one, where="a shop of 5", cases=1, alike=1)
    told = text_of(write_claims(tabulate_claims([one], {"c1": alone}, NONE)))
    assert "case: a shop of 5" in told
    assert "of 1 case" not in told


def test_what_fails_does_not_stop_the_rest_and_is_said(capsys):
    done: list[list[str]] = []

    def run(command):
        done.append(list(command))
        return int("targeting" in command)

    code = run_all(["kedro run", "kedro run --pipelines targeting", COLLECT], ["--env", "x"], run)
    assert code == 1
    assert [command[2:] for command in done] == [
        ["kedro", "run", "--env", "x"],
        ["kedro", "run", "--pipelines", "targeting", "--env", "x"],
        ["kedro", "run", "--pipelines", "claims", "--env", "x"],
    ]
    assert "Failed, see above: kedro run --pipelines targeting" in capsys.readouterr().err
    assert run_all([COLLECT], [], lambda _: 0) == 0
