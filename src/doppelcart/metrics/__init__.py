"""Measures of rankings, of generated data and of significance: pure functions of arrays."""
