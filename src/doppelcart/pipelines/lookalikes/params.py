"""Parameters of the lookalikes pipeline."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from doppelcart.config.base import Parameters
from doppelcart.models.images.image_config import ImageTrainingConfig
from doppelcart.reporting.suspect_list import SuspectListParams


class LookingParams(Parameters):
    """How pictures are looked at."""

    PATH: ClassVar[str] = "lookalikes.looking"

    weights: Literal["pretrained", "random"] = Field(
        "pretrained",
        description="EfficientNet-Lite0 as it learnt on ImageNet, which takes the extra `images`, "
        "or as nothing was learnt, as a floor",
    )
    size: int = Field(
        192, ge=32, le=512, multiple_of=32, description="pixels of a side that the network sees"
    )
    batch: int = Field(64, ge=1, le=1024, description="pictures at once")
    components: int = Field(
        128, ge=2, le=640, description="coordinates of a picture per kind of feature, by PCA"
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="of random weights")


class DetectorParams(Parameters):
    """How detectors of look-alikes are tried."""

    PATH: ClassVar[str] = "lookalikes.detectors"

    least_judged: int = Field(
        10,
        ge=2,
        description="photographs of a product, and of its siblings, that it takes to judge by",
    )
    least_genuine: int = Field(
        4, ge=1, description="photographs of a product to learn from; fewer cannot judge"
    )
    penalties: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        (0.3, 3.0),
        min_length=1,
        description="inverse strengths that the linear discriminant chooses from",
    )
    shares: tuple[Annotated[float, Field(ge=0, lt=1)], ...] = Field(
        (0.0, 0.2, 0.5),
        min_length=1,
        description="weight of what is added among its own kind to choose from; 0 adds nothing",
    )
    added: int = Field(16, ge=1, le=1000, description="pictures added per product at most")
    judged_fakes: int = Field(
        10, ge=2, le=1000, description="fakes of a kind per product that detectors are judged on"
    )
    memory: int = Field(
        500, ge=10, le=20_000, description="patches of a product that are kept, the most different"
    )
    others: int = Field(
        60, ge=10, le=5000, description="photographs of other categories whose patches are kept"
    )
    reference: int = Field(
        40,
        ge=5,
        description="photographs of other categories that scores are held to, and as many astray",
    )
    false_alarms: float = Field(
        0.05, gt=0, lt=0.5, description="share of genuine photographs that may be suspected"
    )
    precision_at: int = Field(
        20, ge=1, le=10_000, description="places of the list in a made-up market"
    )
    n_bootstrap: int = Field(10_000, ge=100, description="resamples of products")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="of draws and of what is made")


class CounterfeitParams(Parameters):
    """Pictures that are known to be counterfeits."""

    PATH: ClassVar[str] = "lookalikes.counterfeits"

    folder: str | None = Field(
        None,
        description="folder with product/picture of known counterfeits, by the product that each "
        "was sold as; null where there are none",
    )


class PainterParams(ImageTrainingConfig):
    """Whether pictures are generated, and how their generators are trained."""

    PATH: ClassVar[str] = "lookalikes.generator"

    generate_fakes: bool = Field(
        False, description="whether generators of pictures are trained, within the run"
    )


class LookalikeListParams(SuspectListParams):
    """The list of photographs for a person to look at."""

    PATH: ClassVar[str] = "lookalikes.listing"
    ACCUSED: ClassVar[str] = "sellers"
