"""Questions about this project's own methods, each answered by a program anybody can repeat."""
