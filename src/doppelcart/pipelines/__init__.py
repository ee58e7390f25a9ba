"""One modular pipeline per package; each has its own parameters, catalog and README."""
