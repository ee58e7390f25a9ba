"""What is generated, one package per kind: networks, batches, sampling."""
