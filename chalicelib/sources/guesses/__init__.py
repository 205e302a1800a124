"""Guesses: what a look at data tells of how a definition of it would read."""
