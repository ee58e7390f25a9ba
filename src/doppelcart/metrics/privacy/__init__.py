"""What synthetic users give away about real ones.

``copies`` looks for them (a smoke test), ``membership`` infers who was trained on,
``attributes`` infers what a real user kept to themselves. Binary histories are CSR matrices with
the same columns; what is undefined is NaN.
"""

from doppelcart.metrics.privacy.attributes import attribute_gain, groups_to_infer
from doppelcart.metrics.privacy.copies import (
    closer_to_train_share,
    distance_to_closest,
    exact_copy_rate,
    near_copy_rate,
    nearest_similarity,
    privacy,
)
from doppelcart.metrics.privacy.membership import (
    Separation,
    closeness,
    cross_fit,
    likelihood_ratio,
    separation,
    tracing,
)

__all__ = [
    "Separation",
    "attribute_gain",
    "closeness",
    "closer_to_train_share",
    "cross_fit",
    "distance_to_closest",
    "exact_copy_rate",
    "groups_to_infer",
    "likelihood_ratio",
    "near_copy_rate",
    "nearest_similarity",
    "privacy",
    "separation",
    "tracing",
]
