"""What the pipeline reads of the shop."""

from typing import Any

import pytest

READ = (
    "train_histories",
    "profile_matrix",
    "demographics_matrix",
    "item_matrix",
    "validation_cases",
)


@pytest.fixture
def shop(shop: dict[str, Any]) -> dict[str, Any]:
    """Every dataset that the pipeline reads."""
    return {name: shop[name] for name in READ}
