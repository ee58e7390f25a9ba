"""What pipelines that train generators of histories have in common."""

TRAINED_ON = [
    "train_histories",
    "profile_matrix",
    "demographics_matrix",
    "item_matrix",
    "validation_cases",
]
"""What every training reads, here and in the search of its parameters."""
