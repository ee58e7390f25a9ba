"""Measures of rankings, of synthetic data and of significance: pure functions of arrays."""
