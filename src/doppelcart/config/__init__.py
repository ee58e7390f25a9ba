"""What a run is asked for: configuration, parameters, secrets and the command line, checked."""
