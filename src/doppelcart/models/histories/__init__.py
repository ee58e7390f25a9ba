"""Generative models of purchase histories: networks, losses, training, sampling, monitors.

Importing this package does not import TensorFlow. Its modules that build or train networks do;
those that describe, draw or use what was trained, such as ``config``, ``controls`` and
``generation``, do not.
"""
