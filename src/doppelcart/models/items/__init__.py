"""Generative models of items: attributes that suit a household, one head per attribute.

Importing this package does not import TensorFlow. Its modules that build or train networks do;
``item_attributes`` and ``hyperparameters`` do not.
"""
