"""Training of a generator against a critic, whatever is generated.

Importing this package does not import TensorFlow; its modules that build or train networks do.
"""
