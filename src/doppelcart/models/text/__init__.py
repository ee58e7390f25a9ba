"""Texts in coordinates, generated on their label."""
