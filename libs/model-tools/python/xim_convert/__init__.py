"""Converts a published model into files that an engine reads. Runs in a separate environment."""
