"""How closely synthetic users resemble real ones: what a recommender needs, measured.

Every function takes binary histories as CSR matrices with the same columns and returns floats.
None of the figures means much by itself: give each function two disjoint halves of the real users
as well, and read the synthetic figure against that reference. What is undefined is NaN.
"""

from scipy import sparse

from doppelcart.metrics.fidelity.counts import (
    category_mix_distance,
    cooccurrence_correlation,
    duplicate_rate,
    length_fidelity,
    popularity_fidelity,
    sparsity_fidelity,
)
from doppelcart.metrics.fidelity.detection import detection_auc
from doppelcart.metrics.fidelity.neighbourhoods import embed, prdc

__all__ = [
    "category_mix_distance",
    "cooccurrence_correlation",
    "detection_auc",
    "duplicate_rate",
    "embed",
    "fidelity",
    "length_fidelity",
    "popularity_fidelity",
    "prdc",
    "sparsity_fidelity",
]


def fidelity(
    real: sparse.csr_matrix,
    synthetic: sparse.csr_matrix,
    seed: int,
    n_top: int = 200,
    n_components: int = 32,
    k: int = 5,
) -> dict[str, float]:
    """All figures that need nothing but the two sets of histories.

    Args:
        real: (n_real, n_items) CSR of ones.
        synthetic: (n_synthetic, n_items) CSR of ones.
        seed: Seed of the detection and of the embedding.
        n_top: Items whose pairs are compared.
        n_components: Dimensions of the SVD in detection and neighbourhoods.
        k: Neighbours of a neighbourhood.

    Returns:
        Name and value of each figure.
    """
    return {
        **length_fidelity(real, synthetic),
        **popularity_fidelity(real, synthetic),
        "cooccurrence_share": cooccurrence_correlation(real, synthetic, n_top, "share"),
        "cooccurrence_lift": cooccurrence_correlation(real, synthetic, n_top, "lift"),
        **sparsity_fidelity(real, synthetic),
        "duplicate_rate": duplicate_rate(synthetic),
        "detection_auc": detection_auc(real, synthetic, seed, n_components),
        **prdc(*embed(real, synthetic, seed, n_components), k=k),
    }
