"""Reading the files of a source: as text first, so that nothing is guessed before all is seen."""
