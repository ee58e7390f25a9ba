"""Vectors of the entities and relations of a knowledge graph, learnt from its triples.

Importing this package does not import TensorFlow. ``graph_embedding`` does; ``hyperparameters``
does not.
"""
