"""What is generated, one package a kind: networks, batches, sampling."""
