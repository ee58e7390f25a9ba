"""The report as a reader, a browser without a network and a screen reader get it."""

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Callable
from itertools import pairwise

import pandas as pd
import pytest
from page_reader import Page

from doppelcart import pipelines as packages
from doppelcart.errors import ReportError
from doppelcart.experiment.outcome import NOT_USED
from doppelcart.pipelines.reporting.nodes import check_report
from doppelcart.pipelines.targeting.section import in_short
from doppelcart.reporting.capabilities import find_capabilities
from doppelcart.reporting.page import script_json

LOADING = {
    "src", "srcset", "data", "poster", "background", "action", "formaction", "manifest", "ping",
    "xlink:href",
}  # fmt: skip
LOADERS = {"link", "iframe", "frame", "object", "embed", "base", "img", "video", "audio", "source"}


Write = Callable[..., Page]


@pytest.fixture(scope="session")
def page(write: Write) -> Page:
    return write()


def test_verdict_is_read_before_anything_else(page):
    assert page.text[0] == (
        "Yes, for some: synthetic shopping data improves recommendations for new customers with 5 "
        "or 20 known items. It makes them worse for returning customers."
    )
    assert page.text[1] == "helps"


def test_nothing_is_loaded_from_anywhere(page):
    assert not LOADERS & {tag for tag, _ in page.elements}
    for tag, attributes in page.elements:
        assert not LOADING & set(attributes), f"<{tag}> loads something"
        assert "url(" not in (attributes.get("style") or "")
        if "href" in attributes:
            assert tag == "a"
    for style in page.styles:
        assert "url(" not in style
        assert "@import" not in style


def policy_of(page: Page) -> str:
    (policy,) = [
        attributes["content"]
        for attributes in page.of("meta")
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    return policy or ""


def test_browser_is_told_to_load_nothing_and_run_only_our_scripts(page):
    policy = policy_of(page)
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "http" not in policy
    run = [written for attributes, written in page.scripts if "type" not in attributes]
    assert len(run) == 1
    for written in (*run, unpacked(page)):
        digest = base64.b64encode(hashlib.sha256(written.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


def unpacked(page: Page) -> str:
    """What the page unpacks and runs."""
    (packed,) = [
        written for attributes, written in page.scripts if attributes.get("id") == "packed"
    ]
    return gzip.decompress(base64.b64decode(packed)).decode()


def test_plotly_is_there_once_and_the_page_stays_small(page):
    assert "plotly.js v" in unpacked(page)
    assert not any("plotly.js v" in written for _, written in page.scripts)
    assert len(page.html.encode()) < 3_000_000


def test_real_customers_stand_in_the_shops_own_page_alone(page):
    assert "real apples" in page.html
    assert "synthetic pears" not in page.html
    assert "report_to_share.html" in page.html
    assert "synthetic pears" in page.to_share
    assert "real apples" not in page.to_share
    assert "Keep it inside" not in page.to_share


def test_the_first_table_says_what_a_change_is_worth(page):
    at = page.text.index("Hits in a list of 20")
    told = " ".join(page.text[at : at + 40])
    assert "Purchases foreseen per 1,000 customers, US dollars" in told
    assert "+0.10 on 1.20 (+0.05 to +0.15)" in told
    assert "+3,000 on 12,000 (+1,500 to +4,500)" in told


def test_figures_have_a_place_and_words_for_those_who_do_not_see_them(page):
    plots = {a["id"]: a for a in page.of("div") if a.get("class") == "plot"}
    drawn = {a["data-plot"]: written for a, written in page.scripts if "data-plot" in a}
    assert set(plots) == set(drawn)
    named = "uplift-forest scores-by-slice history-length popularity-curve tstr-shares"
    assert {*named.split(), "training-curves", "cleaning-waterfall", "uplift-itemknn"} <= set(plots)
    for name, attributes in plots.items():
        assert attributes["role"] == "img"
        assert len(attributes["aria-label"] or "") > 40, name
        assert json.loads(drawn[name])["data"]


def test_headings_language_and_tables_are_marked_up(page):
    assert page.of("html") == [{"lang": "en"}]
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert len(page.of("caption")) == len(page.of("table"))
    assert all("scope" in cell for cell in page.of("th"))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    links = {attributes["href"] for attributes in page.of("a")}
    assert links == {f"#{attributes['id']}" for attributes in page.of("section")}


def test_every_part_is_there(page):
    words = " ".join(page.text)
    for told in (
        "Simulated, not real.",  # caveat of the source
        "NDCG@20 of EASE for new customers with 5 known items changed by +5.0 %",
        "The privacy figures are a smoke test, not an audit.",
        "Lengths of histories: largest distance of the two distributions",
        "Share who are exact copies of a training customer (0 is best)",
        "item bought by fewer than 20 users",
        "case users, test, warm",
        "No reviews in the source: without review sentiment in profiles.",
        "New customers, first 40 items known: skipped in test",
        "Monitors: GAN",
        "evaluation.seed",
        "gan.training.epochs",
        "commit",
    ):
        assert told in words, told


def test_scores_are_written_with_four_decimals_beside_their_slice(page):
    at = page.text.index("NDCG@20")
    assert "0.2450" in page.text[at:]
    assert "0.3344" in page.text[at:]  # EASE, 5 known items, completed by the GAN


def test_signals_have_words_and_hidden_shapes(page):
    chips = [a for a in page.of("span") if (a.get("class") or "").startswith("chip")]
    assert {a["class"] for a in chips} == {"chip green", "chip amber", "chip red"}
    assert {"harms", "no evidence", "not used", "helps"} <= set(page.text)


def test_a_monitors_warning_is_said_with_its_advice(page):
    words = " ".join(page.text)
    assert "GAN, duplicates: 0.4 (limit: at most 0.05). Lower the learning rate." in words
    assert "Generator without its critic, duplicates: 0.02" not in words


EVIL = '</script><script>alert("x")</script><img src=x onerror=alert(1)>'


def test_a_page_of_nothing_says_so(write):
    page = write(without=None)
    assert page.text[0] == "No verdict: nothing that makes one was run."
    skipped = sum("skipped because the pipeline" in words for words in page.text)
    assert skipped == len(find_capabilities(packages))
    assert page.failures == {}


def test_a_section_that_cannot_be_written_costs_the_report_nothing_else(write, run):
    page = write(fidelity_report=run["fidelity_report"].rename(columns={"statistic": "what"}))
    told = " ".join(page.text)
    assert "This section could not be written." in told
    assert "KeyError" in told
    assert "Monitors: GAN" in told
    assert list(page.failures) == ["augmentation"]
    with pytest.raises(ReportError, match=r"without 1 of its sections: augmentation \(KeyError"):
        check_report(page.failures)


def test_a_whole_report_passes_its_check(page):
    assert page.failures == {}
    assert check_report(page.failures) is None


def test_untrusted_names_stay_text(write, run):
    spoilt = {
        "source_summary": {**run["source_summary"], "source": EVIL, "description": EVIL},
        "cleaning_report": run["cleaning_report"].replace({"missing_user": EVIL}),
        "fidelity_report": pd.DataFrame({"statistic": [EVIL], EVIL: [0.5]}),
        "verdict": run["verdict"].assign(reason=EVIL),
        "metrics": run["metrics"].replace({"slice": {"warm": EVIL}}),
        "tstr": run["tstr"].replace({"slice": {"cold_5": EVIL}}),
        "gan__training_log": run["gan.training_log"].rename(columns={"critic_loss": EVIL}),
    }
    page = write(**spoilt)
    assert "img" not in {tag for tag, _ in page.elements}
    assert not any("onerror" in attributes for _, attributes in page.elements)
    executable = [written for attributes, written in page.scripts if "type" not in attributes]
    assert len(executable) == 1
    assert EVIL in page.text


def test_json_cannot_close_the_script_it_stands_in():
    written = script_json({"name": EVIL, "and": "a & b"})
    assert not set("<>&") & set(written)
    assert json.loads(written) == {"name": EVIL, "and": "a & b"}


def test_an_unknown_source_has_no_caveat_of_another(write, run):
    page = write(source_summary={**run["source_summary"], "source": "my shop"})
    assert "Simulated, not real." not in " ".join(page.text)


def test_parts_that_were_left_out_say_why(write, run):
    def none_of(name: str) -> pd.DataFrame:
        return run[name].iloc[:0]

    page = write(
        verdict=none_of("verdict"),
        uplift=none_of("uplift"),
        tstr=none_of("tstr"),
        fidelity_report=none_of("fidelity_report"),
        privacy_report=none_of("privacy_report"),
        gan__monitors=none_of("gan.monitors"),
    )
    at = page.text.index("What was skipped, and why", page.text.index("How much it changes") + 12)
    told = " ".join(page.text[at:])
    for part in ("Uplift", "Training on synthetic customers only", "Fidelity measures",
                 "Privacy smoke test", "Monitors: GAN"):  # fmt: skip
        assert f"{part}: skipped because" in told
    assert page.text[0].startswith("No verdict")


def test_the_best_without_synthetic_data_and_popularity_stand_beside_the_generator(page):
    told = " ".join(page.text)
    assert "Against the best that can be done without synthetic data" in page.text
    assert "given to EASE, score 0.2695 against 0.2000 of plain popularity, +10.0 %" in told


def test_brand_new_customers_for_whom_nothing_was_gained_get_what_is_popular(write, run):
    # another recommender than the best may have been compared: it was given no synthetic data
    page = write(uplift_against_best=run["uplift_against_best"].assign(outcome=NOT_USED))
    told = " ".join(page.text)
    assert "validation chose no synthetic data, so they get what is popular." in told
    assert (
        "Against the best recommender: skipped because validation chose no synthetic data" in told
    )


def test_rankings_by_synthetic_customers_stand_beside_those_by_halves_of_the_real(page):
    assert {"Half of the real customers, by the other half", "0.7", "0.8"} <= set(page.text)


def test_users_added_for_segments_are_told_of_in_words_and_numbers(page, run):
    told = " ".join(page.text)
    assert "against no added customers and every control: not proven 1." in told
    assert "Harm to everybody else: 1." in told
    assert {"3 values are rare: 65+", "not used", "everybody else"} <= set(page.text)
    others = run["targeting.results"]["customers"] == "others"
    few = run["targeting.results"]["outcome"].mask(others, "undefined")
    told = in_short(run["targeting.results"].assign(outcome=few))
    assert told.endswith("Harm to everybody else: undefined 1, too few customers to tell.")
    assert "targeting-forest" in {a["id"] for a in page.of("div") if a.get("class") == "plot"}


def test_segments_that_nobody_tried_are_left_out(write):
    page = write(without=("targeting",))
    told = " ".join(page.text)
    absent = "Customers added where they are short: skipped because the pipeline targeting was not"
    assert absent in told
    assert "To add it: kedro run --pipelines targeting" in told
    assert "Better than every control" not in told


def test_long_tables_are_cut_and_say_so(write, run):
    params = run["params:reporting"].model_copy(update={"table_rows": 10})
    page = write(**{"params:reporting": params})
    assert any("The first 10 of" in words for words in page.text)


def test_a_figure_per_recommender_the_strongest_first(write, run):
    weak = run["uplift"]["recommender"] != "ials"
    page = write(uplift=run["uplift"].assign(base=run["uplift"]["base"].where(weak, 9.0)))
    captions = [words for words in page.text if words.startswith("iALS: change against")]
    assert len(captions) == 1
    ids = {a["id"] for a in page.of("div") if a.get("class") == "plot"}
    assert "uplift-ease" in ids
    assert "uplift-ials" not in ids
