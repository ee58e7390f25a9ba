"""What is added to few labelled reviews, and the design of the experiment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from doppelcart.experiment.design import Arm, Baseline, Design, Role, Words

NONE, WORD_CHANGES, MARKOV, MIXUP = "none", "word_changes", "markov", "mixup"
SELF_TRAINING, WITHOUT_CRITIC, GAN, ORACLE = "self_training", "without_critic", "gan", "oracle"
GRU_TEXT, GAN_TEXT, COPIES = "gru_text", "gan_text", "copies"
REVIEW, CLUSTER, LABELS = "review_id", "place_part", "labels"
PHRASES: Final = {
    NONE: "the labelled reviews alone",
    COPIES: "the same once more",
    WORD_CHANGES: "their words dropped, swapped and cropped",
    MIXUP: "mixtures of them",
    SELF_TRAINING: "unlabelled reviews that the detector is sure of",
    MARKOV: "texts of a Markov chain per label",
    WITHOUT_CRITIC: "reviews of the same network without a critic",
    GAN: "reviews of the GAN, in coordinates",
    GRU_TEXT: "texts of a network that writes, without a critic",
    GAN_TEXT: "texts of the same network with a critic",
    ORACLE: "the labels of all reviews, which nobody would have",
}
IN_COORDINATES: Final = (WITHOUT_CRITIC, GAN)
IN_WORDS: Final = (GRU_TEXT, GAN_TEXT)
"""Arms whose texts are written word by word: they take long, and have a group of their own."""


def written_group(size: int) -> str:
    """Name of the group in which texts are written besides.

    Its arms have all been tried on the same draws of labels, which are fewer than those of the
    group without texts.

    Args:
        size: Labels.

    Examples:
        >>> written_group(50)
        '50 written'
    """
    return f"{size} written"


def declare(
    n_bootstrap: int, sizes: list[int], generated: bool, written: Sequence[int] = ()
) -> Design:
    """The experiment.

    Args:
        n_bootstrap: Resamples.
        sizes: Numbers of labels.
        generated: Whether reviews are generated.
        written: Numbers of labels that texts are written for, in a group of their own.
    """
    plain = [COPIES, WORD_CHANGES, MIXUP, SELF_TRAINING]
    controls = [*plain, *([MARKOV, WITHOUT_CRITIC] * generated), *([GRU_TEXT] * bool(written))]
    rivals = {
        GAN: tuple(name for name in controls if name != GRU_TEXT),
        GAN_TEXT: tuple(name for name in controls if name != WITHOUT_CRITIC),
    }
    trials = (GAN, GAN_TEXT) if written else (GAN,)
    groups = {str(size): f"{size} labels" for size in sizes} | {
        written_group(size): f"{size} labels, texts written besides" for size in written
    }
    return Design(
        name="reviews",
        metric="accuracy",
        unit=REVIEW,
        cluster=CLUSTER,
        groups=(LABELS,),
        arms=(
            Arm(name=NONE, role=Role.BASELINE, phrase=PHRASES[NONE]),
            *(Arm(name=n, role=Role.CONTROL, phrase=PHRASES[n], level="ratio") for n in controls),
            *(
                Arm(name=n, role=Role.TRIAL, phrase=PHRASES[n], rivals=rivals[n], level="ratio")
                for n in trials
            ),
            Arm(name=ORACLE, role=Role.ORACLE, phrase=PHRASES[ORACLE]),
        ),
        best=tuple(Baseline(group=(group,), arm=NONE) for group in groups),
        n_bootstrap=n_bootstrap,
        words=Words(
            unit="review",
            units="reviews",
            groups=groups,
            trial="the GAN",
            best="the best detector without generated reviews",
            unchanged="the detector stays as it is",
            worse="fewer reviews were told right",
        ),
    )
