"""Forecasts of demand, many series at a time: smoothing, distributions, what to order."""
