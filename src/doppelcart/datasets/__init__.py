"""Kedro datasets for which no shipped dataset fits.

Nothing is passed on here: the catalog names a dataset with its module, and a command that reads no
data loads none of what reads it.
"""
