"""What a page opens with where no section brings a story."""

from __future__ import annotations

import pytest

from doppelcart.reporting.first_screen import NO_STORY, story_of_claims
from doppelcart.reporting.page import render_report
from doppelcart.reporting.section import Capability, Claim, Evidence
from doppelcart.reporting.signals import LEVEL, NOT_USED, PROVEN, SAFE, UNDEFINED, UNSAFE, WORSE

CAPABILITY = Capability(
    name="shelves",
    rank=1,
    title="Shelves",
    question="Do shelves help?",
    claims=(
        Claim(name="long", text="Long shelves help.", source="Nobody 2020"),
        Claim(name="high", text="High shelves help.", source="Nobody 2021"),
    ),
)


def section(**signals):
    evidence = {
        name: Evidence(signal=signal, measure="ndcg@20", unit="%", effect=3.0, where="at noon")
        for name, signal in signals.items()
    }
    return CAPABILITY.section("An answer.", (), evidence=evidence)


def story(**signals):
    return story_of_claims([section(**signals)], [CAPABILITY])


def test_a_page_without_a_claim_shows_no_light():
    assert story() is NO_STORY
    assert story_of_claims([], [CAPABILITY]).signal is None
    page = render_report(NO_STORY, "", [], "", [])
    assert '<div class="signal' not in page


def test_one_claim_is_told_by_its_verdict():
    told = story(long=NOT_USED)
    assert told.headline == "Not used: Long shelves help."
    assert told.signal == NOT_USED
    (finding,) = told.findings
    assert (finding.effect, finding.what) == (3.0, "ndcg@20; at noon")
    assert finding.sentence == "An answer."


@pytest.mark.parametrize(
    ("long", "high", "headline"),
    [
        (PROVEN, PROVEN, "All of 2 claims put to the test are shown to hold."),
        (PROVEN, LEVEL, "Of 2 claims put to the test 1 is shown to hold."),
        (UNDEFINED, LEVEL, "None of 2 claims put to the test is shown to hold."),
        (
            WORSE,
            LEVEL,
            (
                "None of 2 claims put to the test is shown to hold. In 1 case what was tried does "
                "harm."
            ),
        ),
        (
            UNSAFE,
            SAFE,
            (
                "Of 2 claims put to the test 1 is shown to hold. In 1 case what is claimed does "
                "not hold."
            ),
        ),
    ],
)
def test_several_claims_are_counted(long, high, headline):
    told = story(long=long, high=high)
    assert told.headline == headline
    assert told.signal == (long if long == high else None)


def test_a_value_that_is_no_change_is_not_told_in_percent():
    evidence = Evidence(signal=LEVEL, measure="hits among 1,000", effect=58.0)
    own = CAPABILITY.section("An answer.", (), evidence={"long": evidence})
    (finding,) = story_of_claims([own], [CAPABILITY]).findings
    assert finding.effect is None


def test_a_claim_that_its_capability_no_longer_makes_is_told_by_the_question():
    today = CAPABILITY.model_copy(update={"claims": CAPABILITY.claims[:1]})
    (finding,) = story_of_claims([section(high=LEVEL)], [today]).findings
    assert finding.who == "Do shelves help?"


def test_the_page_says_claim_where_it_is_one():
    page = render_report(story(long=LEVEL, high=PROVEN), "", [], "", [])
    for words in ("Why, for each claim", "The verdict by claim", '<th scope="col">Claim</th>'):
        assert words in page
    assert '<div class="signal' not in page
    assert "Change of" not in page
