"""Pipelines that are written once and instanced by every capability that needs them."""
