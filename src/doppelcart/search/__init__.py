"""The search for parameters: a resumable study, and the space that it draws from."""
