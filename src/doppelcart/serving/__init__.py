"""What serves: scorers as plain arrays, the artefact that holds them, and the server."""
