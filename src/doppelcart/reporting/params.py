"""What the pages show, which the sections of all capabilities ask for."""

from pydantic import Field

from doppelcart.config.base import Parameters


class ReportingParams(Parameters):
    """What the report shows; none of it changes a result."""

    table_rows: int = Field(
        default=400,
        ge=10,
        le=5_000,
        description="Longest table written into the report (rows); a longer one is cut, and "
        "the report says so.",
    )
    caveats: dict[str, str] = Field(
        default_factory=dict,
        description="What a reader must know of a source before quoting a figure on it, by the "
        "source's name.",
    )
