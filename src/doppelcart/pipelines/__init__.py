"""One modular pipeline a package; each has its own parameters, catalog and README."""
