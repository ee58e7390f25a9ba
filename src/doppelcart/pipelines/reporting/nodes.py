"""Nodes of the reporting pipeline: the sections that are there become one page."""

from collections.abc import Mapping, Sequence
from typing import Any

from doppelcart import pipelines as packages
from doppelcart.data.lineage import Origin, parameters_behind
from doppelcart.errors import ReportError
from doppelcart.reporting import provenance
from doppelcart.reporting.blocks import Skipped, bullets, details, paragraph, table
from doppelcart.reporting.capabilities import find_capabilities
from doppelcart.reporting.first_screen import story_of_claims
from doppelcart.reporting.page import Part, lay_out, render_report
from doppelcart.reporting.params import ReportingParams
from doppelcart.reporting.section import SOURCE, Capability, Section, Story
from doppelcart.reporting.tables import number, tabulate_mapping


def write_report(
    records: dict[str, Origin], parameters: ReportingParams, **sections: Section | None
) -> tuple[str, str, dict[str, Any], dict[str, str]]:
    """Lay out the sections that are there as one HTML file that loads nothing.

    The page opens with the story of the first section that has one, or else with the claims that
    were put to the test. There are two: one for the shop, with real customers as examples and in
    lists of suspects, and one to share, with synthetic examples in their place and without these
    lists.

    Args:
        records: What every dataset was made from, by its name.
        parameters: What the page shows.
        **sections: By capability; None where it was not run on the present data.

    Returns:
        The page; the page to share; the commit, the versions and the moment that stand in them;
        and by capability why its section could not be written, for those of which it could not.
    """
    run_facts = provenance.provenance()
    there = sorted(filter(None, sections.values()), key=lambda found: (found.rank, found.title))
    lead = next((section for section in there if section.story), None)
    # The data come first there, though their sections come last.
    facts = {what: value for section in there[::-1] for what, value in section.facts.items()}
    source = facts.get(SOURCE, "")
    sections_told = [as_lead(section) if section is lead else section for section in there]
    known = find_capabilities(packages)
    absent = [capability for capability in known if sections.get(capability.name) is None]
    shown = [f"{name}.section" for name, section in sections.items() if section is not None]
    sections_told += [
        skipped_section(there, absent),
        run_section(run_facts, parameters_behind(shown, records), parameters.table_rows),
    ]
    parts = {s.capability: lay_out(s, run_facts["commit"]) for s in sections_told}
    shared = {
        s.capability: lay_out(s.to_share(), run_facts["commit"]) for s in sections_told if s.inside
    }
    told = lead.story if lead and lead.story else story_of_claims(there, known)
    pages = [
        render_report(
            story=with_examples(told, synthetic=to_share),
            meta=meta_line(facts, run_facts),
            caveats=[
                words
                for words in (
                    parameters.caveats.get(source, ""),
                    *(lead.caveats if lead else ()),
                    "" if to_share else keep_inside(told, there),
                )
                if words
            ],
            source=source,
            parts=list((parts | shared if to_share else parts).values()),
        )
        for to_share in (False, True)
    ]
    return pages[0], pages[1], run_facts, failures(list(parts.values()))


def with_examples(story: Story, *, synthetic: bool) -> Story:
    """A story with its real examples, or with those that stand in their place."""
    kept = tuple(people for people in story.examples if people.synthetic is synthetic)
    return story.model_copy(update={"examples": kept})


def keep_inside(story: Story, sections: Sequence[Section]) -> str:
    """What to mind of a page that shows real customers."""
    if not all(people.synthetic for people in story.examples):
        return (
            "This page shows what real customers bought. Keep it inside; report_to_share.html has "
            "synthetic customers in their place."
        )
    if any(section.inside for section in sections):
        return (
            "This page names whom or what is suspected. Keep it inside; report_to_share.html does "
            "not."
        )
    return ""


def check_report(report_failures: dict[str, str]) -> None:
    """End a run whose report lacks a section as failed; the report itself is written by now.

    Args:
        report_failures: By capability why its section could not be written.

    Raises:
        ReportError: There is one.
    """
    if report_failures:
        told = "; ".join(f"{name} ({why})" for name, why in report_failures.items())
        raise ReportError(
            f"The report was written without {len(report_failures)} of its sections: {told}. All "
            "results are saved. Mend the section, then make it again by its own pipeline and "
            "`kedro run --pipelines reporting`."
        )


def failures(parts: Sequence[Part]) -> dict[str, str]:
    """Why sections could not be written, by name."""
    return {part.name: part.failure for part in parts if part.failure}


def as_lead(section: Section) -> Section:
    """The section whose story and caveats stand at the top of the page, without repeating them."""
    return section.model_copy(update={"answer": "", "caveats": ()})


def meta_line(facts: Mapping[str, str], run: Mapping[str, Any]) -> str:
    """One line on the data and the run."""
    told = [f"{what} {value}" for what, value in facts.items()]
    told.append(f"commit {str(run['commit'])[:12]}")
    told.append(str(run["written"])[:16].replace("T", " ") + " UTC")
    return " \N{MIDDLE DOT} ".join(told)


def skipped_section(there: Sequence[Section], absent: Sequence[Capability]) -> Section:
    """Everything this run went without, in one place.

    Args:
        there: The sections, for what they say was skipped.
        absent: Capabilities without a section.
    """
    entries = [block.text for s in there for block in s.blocks if isinstance(block, Skipped)]
    entries += [
        f"{capability.title}: skipped because the pipeline {capability.name} was not run on the "
        f"present data. To add it: `{capability.command}`, then `kedro run --pipelines reporting`."
        for capability in absent
    ]
    told = bullets(entries) if entries else paragraph("Nothing: every part was carried out.")
    return own_section("skipped", "What was skipped, and why", told)


def run_section(
    run: Mapping[str, Any], told: Mapping[str, Mapping[str, Any]], limit: int
) -> Section:
    """What is needed to make the same figures again: commit, versions, parameters, seeds.

    Args:
        run: The commit, the versions and the moment of this page.
        told: By parameter what the figures were made with, by pipeline.
        limit: Longest table (rows).
    """
    values = {name: agreed(told[name]) for name in sorted(told)}
    everything = tabulate_mapping(values, "Parameters", max(limit, 2_000), "parameter")
    return own_section(
        "run",
        "This run",
        table(tabulate_mapping(run, "Code and machine of this page", limit)),
        details(
            "All parameters and seeds",
            [
                paragraph(
                    "What everything on this page was made with, by this run or by earlier ones."
                ),
                table(everything),
            ],
        ),
    )


def agreed(values: Mapping[str, Any]) -> Any:
    """The value that all pipelines were told, or what each was told where they differ."""
    first, *others = values.values()
    if all(other == first for other in others):
        return first
    return "; ".join(f"{number(value)} ({name})" for name, value in values.items())


def own_section(name: str, title: str, *blocks: Any) -> Section:
    """A section of the page itself."""
    return Section(capability=name, rank=0, title=title, question="", answer="", blocks=blocks)
