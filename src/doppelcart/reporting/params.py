"""What the pages show first, which the sections of all capabilities ask for."""

from pydantic import Field

from doppelcart.config.base import Parameters


class ReportingParams(Parameters):
    """What the figures and the report show first; none of it changes a result."""

    metric: str | None = Field(
        default=None,
        description="Metric of the figure and table of scores, such as `recall@20`; null takes "
        "the one that the verdict was judged by, which the uplift figures always show.",
    )
    recommender: str = Field(
        default="ease",
        min_length=1,
        description="Recommender of the first uplift figure; the others follow it in the report.",
    )
    popularity_bins: int = Field(
        default=40,
        ge=5,
        le=200,
        description="Bins of item rank in the popularity figure (items).",
    )
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
