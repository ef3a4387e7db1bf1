"""Drills: breaking things on purpose, many times, and printing the figures. `make drills` runs them all."""
