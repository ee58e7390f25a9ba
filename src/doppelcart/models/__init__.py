"""Generative models of purchase histories: networks, losses, training, sampling, monitors.

Importing this package does not import TensorFlow; its modules ``networks``, ``objectives``,
``training`` and ``completion`` do.
"""
