"""Baskets of a department, generated from what a household buys in all others.

Importing this package does not import TensorFlow. Its modules that build or train networks do;
``hyperparameters`` does not.
"""
