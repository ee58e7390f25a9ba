"""Sections laid out one by one, so that a broken one costs the others nothing."""

import pytest

from doppelcart.reporting.blocks import Figure, paragraph
from doppelcart.reporting.page import lay_out, render_report, security_policy
from doppelcart.reporting.section import Capability, Story
from doppelcart.reporting.signals import PROVEN

SHOP = Capability(name="shop", rank=1, title="The shop", question="Is it open?")


def test_a_section_shows_question_answer_caveats_and_blocks_in_this_order():
    section = SHOP.section("It is.", [paragraph("Come in & buy.")], caveats=["Not on Sundays.", ""])
    html = lay_out(section).html
    told = ["Is it open?", "It is.", "Not on Sundays.", "Come in &amp; buy."]
    places = [html.index(words) for words in told]
    assert places == sorted(places)
    assert html.count("Mind:") == 1


def test_a_block_that_lacks_what_the_template_asks_for_fails_its_section_alone():
    broken = SHOP.section("It is.", []).model_copy(
        update={"blocks": (Figure.model_construct(kind="figure", name="window"),)}
    )
    parts = [lay_out(broken), lay_out(SHOP.section("It is.", []))]
    assert [bool(part.failure) for part in parts] == [True, False]
    assert "UndefinedError" in parts[0].failure
    story = Story(signal=PROVEN, headline="Open.")
    page = render_report(story, "", [], "", parts)
    assert page.count("This section could not be written.") == 1
    assert page.count("It is.") == 1


def test_a_section_that_its_capability_could_not_write_is_told_alike():
    @SHOP.written_by
    def write_section(answer: str):
        return SHOP.section(answer + 1, [])

    assert write_section.__name__ == write_section.__qualname__.rpartition(".")[2]
    part = lay_out(write_section("It is."))
    assert part.failure.startswith("TypeError: ")
    assert "The shop" in part.html


def test_evidence_for_a_claim_that_was_not_declared_is_refused():
    with pytest.raises(ValueError, match="shop declares no claim of the name cheap"):
        SHOP.section("It is.", [], evidence={"cheap": None})


def test_a_page_without_scripts_allows_none():
    assert "script-src 'none'" in security_policy([])


def test_a_section_of_another_commit_than_the_page_says_so():
    section = SHOP.section("It is.", []).model_copy(
        update={"commit": "a" * 40 + " with uncommitted changes", "written": "2026-11-30T09:00"}
    )
    told = "Made on 2026-11-30 by other code than this page: commit aaaaaaaaaaaa with uncommitted"
    assert told in lay_out(section, "b" * 40).html
    assert "other code" not in lay_out(section, section.commit).html
    assert "other code" not in lay_out(section.model_copy(update={"commit": ""}), "b").html
