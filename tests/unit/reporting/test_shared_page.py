"""What of a report may leave the house."""

import pandas as pd
import pytest

from doppelcart.pipelines.reporting.nodes import write_report
from doppelcart.reporting.blocks import (
    Block,
    Entry,
    NamedList,
    People,
    Person,
    details,
    paragraph,
    table,
)
from doppelcart.reporting.params import ReportingParams
from doppelcart.reporting.section import Section
from doppelcart.reporting.tables import Column, Table, tabulate, text


def rows(caption: str, *names: str) -> Table:
    return tabulate(pd.DataFrame({"name": names}), caption, [Column("name", "who", text)], 10)


def section(*blocks: Block, shown: tuple[Block, ...] = ()) -> Section:
    return Section(
        capability="trust", rank=1, title="Trust", question="Who?", answer="Some.", shown=shown,
        blocks=blocks,
    )  # fmt: skip


def someone(*, synthetic: bool) -> People:
    bought = NamedList(title="bought", entries=(Entry(text="quinces"),))
    person = Person(name="Customer 1", note="", lists=(bought,))
    return People(caption="Three customers", synthetic=synthetic, people=(person,))


def pages(told: Section) -> tuple[str, str]:
    own, shared, _, failures = write_report({}, ReportingParams(), trust=told)
    assert not failures
    return own, shared


SUSPECTS = table(rows("To be looked at", "household-4711"), inside=True)


@pytest.mark.parametrize(
    "told",
    [
        section(SUSPECTS),
        section(shown=(SUSPECTS,)),
        section(details("more", [paragraph("as a list"), details("still more", [SUSPECTS])])),
    ],
    ids=["on demand", "at once", "in details of details"],
)
def test_a_list_of_real_customers_stays_inside(told):
    own, shared = pages(told)
    assert "household-4711" in own
    assert "Keep it inside" in own
    assert "household-4711" not in shared
    assert "To be looked at: skipped because it is for the shop&#39;s own eyes" in shared
    assert "Keep it inside" not in shared


def test_real_examples_stay_inside_and_synthetic_ones_do_not():
    own, shared = pages(section(someone(synthetic=False), shown=(someone(synthetic=True),)))
    assert own.count("quinces") == 2
    assert shared.count("quinces") == 1


def test_what_names_nobody_is_the_same_on_both_pages():
    told = section(details("more", [table(rows("Means", "a detector"))]))
    assert not told.inside
    assert told.to_share() == told
    own, shared = pages(told)
    assert "a detector" in own
    assert "a detector" in shared
    assert "Keep it inside" not in own
