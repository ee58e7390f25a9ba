"""Others' models, in an environment of their own: see ``environment``."""
