from rich.console import Console

from doppelcart.reporting.section import Evidence, Finding, Section, Story
from doppelcart.reporting.signals import LEVEL, NOT_PROVEN, PROVEN, WORSE
from doppelcart.reporting.terminal import render

STORY = Story(
    signal=NOT_PROVEN,
    headline="Not proven.",
    measure="NDCG@20",
    advice="recommend without it.",
    findings=(
        Finding(who="Regulars", signal=NOT_PROVEN, sentence="", what="EASE", effect=5.12,
                low=1.0, high=9.0),
        Finding(who="Newcomers", signal=WORSE, sentence="", what="iALS", effect=-20.0),
        Finding(who="Nobody", signal=LEVEL, sentence="", what="iALS"),
    ),
)  # fmt: skip


def section(name: str, rank: int, answer: str, **more: object) -> Section:
    return Section(
        capability=name, rank=rank, title=name, question=f"{name}?", answer=answer, **more
    )


def lines(*sections: Section, width: int = 110, **console: object) -> list[str]:
    screen = Console(width=width, **console)
    with screen.capture() as shown:
        screen.print(render(sections))
    return [line.rstrip() for line in shown.get().splitlines()]


def test_the_answer_comes_with_a_line_per_group_and_what_to_do() -> None:
    told = lines(section("It", 1, "Not proven.", story=STORY))
    assert told[0] == "It?"
    assert told[1] == f"{NOT_PROVEN.shape} Not proven."
    assert told[2].split("  ")[1].strip() == "for"
    assert "change of NDCG@20" in told[2]
    assert [line.split() for line in told[3:6]] == [
        ["Regulars", "EASE", "+5.1", "%", "(+1.0", "to", "+9.0)", NOT_PROVEN.shape,
         "not", "proven"],
        ["Newcomers", "iALS", "\N{MINUS SIGN}20.0", "%", WORSE.shape, "harms"],
        ["Nobody", "iALS", LEVEL.shape, "no", "evidence"],
    ]  # fmt: skip
    assert told[6:] == ["Now: recommend without it."]


def test_sections_are_told_by_rank_and_those_without_an_answer_not_at_all() -> None:
    told = lines(section("B", 2, "No."), section("C", 3, ""), section("A", 1, "Yes."))
    assert told == ["A?", "Yes.", "B?", "No."]


def test_one_claim_gives_its_section_a_signal_and_two_do_not() -> None:
    proven = Evidence(signal=PROVEN, measure="x")
    one = section("A", 1, "Yes.", evidence={"it": proven})
    two = section("A", 1, "Yes.", evidence={"it": proven, "other": proven})
    assert lines(one)[1] == f"{PROVEN.shape} Yes."
    assert lines(two)[1] == "Yes."


def test_names_of_groups_are_no_markup() -> None:
    names = ["Fish [/kg]", "Meat [fresh]", "Sweets :candy:"]
    findings = tuple(
        Finding(who=name, signal=LEVEL, sentence="", what=f"EASE of {name}") for name in names
    )
    story = Story(headline="No.", measure="NDCG [@20]", findings=findings)
    told = lines(section("It", 1, "No.", story=story))
    assert "change of NDCG [@20]" in told[2]
    for line, name in zip(told[3:6], names, strict=True):
        assert line.split("  ")[1].strip() == name
        assert f"EASE of {name}" in line


def test_verdicts_are_coloured_apart() -> None:
    told = "".join(
        lines(
            section("It", 1, "Not proven.", story=STORY),
            force_terminal=True,
            color_system="standard",
        )
    )
    assert "\x1b[33m" + NOT_PROVEN.shape + " not proven" in told
    assert "\x1b[31m" + WORSE.shape + " harms" in told


def test_a_narrow_window_has_a_line_per_group_all_the_same() -> None:
    told = lines(section("It", 1, "Not proven.", story=STORY), width=60)
    assert len(told) == 7
    assert told[3].split()[:5] == ["Regulars", "+5.1", "%", "(+1.0", "to"]
    assert "EASE" not in told[3]
