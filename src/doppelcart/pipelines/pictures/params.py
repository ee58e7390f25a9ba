"""Parameters of the pictures pipeline."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from doppelcart.config.base import Parameters
from doppelcart.models.images.classifier_config import ClassifierConfig


class PictureViewParams(Parameters):
    """How pictures are looked at."""

    PATH: ClassVar[str] = "pictures.looking"

    weights: Literal["pretrained", "random"] = Field(
        "pretrained",
        description="EfficientNet-Lite0 as it learnt on ImageNet, which takes the extra `images`, "
        "or as nothing was learnt, as a floor",
    )
    size: int = Field(
        96,
        ge=32,
        le=512,
        multiple_of=32,
        description="pixels of a side that the network sees of photographs as they are",
    )
    small_size: int = Field(
        64,
        ge=32,
        le=512,
        multiple_of=32,
        description="pixels of a side to which pictures of the generator's size are brought",
    )
    batch: int = Field(64, ge=1, le=1024, description="pictures at once")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="of random weights")


class SampleParams(Parameters):
    """How generated pictures are judged and shown."""

    PATH: ClassVar[str] = "pictures.samples"

    judged: int = Field(
        600, ge=2, description="test photographs, half of which generated ones are held to, at most"
    )
    neighbours: int = Field(
        5, ge=1, le=100, description="pictures that make a neighbourhood, for density and coverage"
    )
    copies: float = Field(
        0.02, ge=0, le=1, description="memorised share above which pictures are refused as copies"
    )
    sheet_rows: int = Field(6, ge=1, le=12, description="products on the sheet of the report")
    sheet_columns: int = Field(8, ge=2, le=12, description="pictures of a product on the sheet")


class PictureTrialParams(Parameters):
    """How it is tried whether generated pictures teach."""

    PATH: ClassVar[str] = "pictures.trials"

    sizes: tuple[Annotated[int, Field(ge=2)] | None, ...] = Field(
        (5, None),
        min_length=1,
        description="pictures of a product to learn from, one experiment each; null takes all",
    )
    added: int = Field(5, ge=1, le=1000, description="pictures added per product, by every arm")
    weights: tuple[Annotated[float, Field(ge=0, le=10)], ...] = Field(
        (0.0, 0.3, 1.0),
        min_length=1,
        description="weight of an added picture to choose from; 0 adds nothing",
    )
    penalties: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        (3.0, 30.0), min_length=1, description="inverse strengths that the learner chooses from"
    )
    components: int = Field(
        192, ge=2, le=1280, description="coordinates of a picture, by PCA of what is learnt from"
    )
    few_epochs: int = Field(
        3, ge=1, description="epochs of a generator that learns from a few pictures per product"
    )
    most_passes: int = Field(
        100,
        ge=1,
        description="times that a generator meets a photograph at most: with few of them it is "
        "trained for fewer epochs, for what more of them add is learnt by heart",
    )
    from_scratch: ClassifierConfig | None = Field(
        None,
        description="how a small network learns to tell products from the photographs alone, as a "
        "table's row beside colours and EfficientNet-Lite0; null leaves it out",
    )
    n_bootstrap: int = Field(10_000, ge=100, description="resamples of products")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="of draws and of what is made")
