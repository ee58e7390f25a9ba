"""Parameters of the augmentation pipeline."""

from doppelcart.models.histories.augmentation import AugmentationParams

__all__ = ["AugmentationParams"]
