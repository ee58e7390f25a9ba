"""Doppelcart: imitate a shop's customers, and prove whether the imitation helps."""

__version__ = "0.1.0"
