"""Parameters of the reviews pipeline."""

from typing import Annotated, ClassVar

from pydantic import Field

from doppelcart.config.base import Parameters
from doppelcart.reporting.suspect_list import SuspectListParams


class ReviewParams(Parameters):
    """What of labelled reviews is read, and what of it may be wrong."""

    PATH: ClassVar[str] = "reviews.reading"

    known_words: float = Field(
        0.5,
        ge=0,
        le=1,
        description="share of a review's words that other reviews know, below which it is foreign",
    )
    refuse_share: float = Field(
        0.1, ge=0, le=1, description="share of bad reviews of a kind above which the run stops"
    )
    leak: float = Field(
        0.9, gt=0.5, le=1, description="AUC by format alone above which labels are refused"
    )


class LabelParams(Parameters):
    """How few labels are tried, and how."""

    PATH: ClassVar[str] = "reviews.labels"

    sizes: tuple[Annotated[int, Field(ge=10)], ...] = Field(
        (50, 100, 800), min_length=1, description="labelled reviews, one experiment each"
    )
    folds: int = Field(5, ge=2, le=50, description="parts of the places, each judged in turn")
    draws: int = Field(1, ge=1, le=100, description="times that labels are drawn per fold")
    ratios: tuple[Annotated[float, Field(ge=0, le=20)], ...] = Field(
        (0.0, 1.0), min_length=1, description="added reviews per labelled one to choose from"
    )
    components: int = Field(
        128, ge=2, le=1000, description="coordinates of a review: SVD of its weighted words"
    )
    penalties: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        (1.0, 10.0), min_length=1, description="inverse strengths that detectors choose from"
    )
    n_bootstrap: int = Field(10_000, ge=100, description="resamples of places")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="of folds, labels, what is made")


class FakeReviewParams(Parameters):
    """Whether reviews are generated."""

    PATH: ClassVar[str] = "reviews.generator"

    generate_fakes: bool = Field(
        False, description="whether generators of reviews are trained, within the run"
    )
    text_sizes: tuple[Annotated[int, Field(ge=10)], ...] = Field(
        (50,),
        description="numbers of labels, of reviews.labels.sizes, that texts are written for word "
        "by word, which takes long; none writes no texts",
    )
    text_draws: int = Field(
        1, ge=1, le=100, description="draws of labels per fold that texts are written for"
    )


class ReviewListParams(SuspectListParams):
    """The list of reviews for a person to look at."""

    PATH: ClassVar[str] = "reviews.listing"
    ACCUSED: ClassVar[str] = "writers"
    FAKES: ClassVar[str] = "deceptive reviews"

    rare_share: float = Field(
        0.05,
        gt=0,
        lt=1,
        description="share of deceptive reviews that precision is told of besides that of the "
        "labelled ones, which are chosen to hold many",
    )
