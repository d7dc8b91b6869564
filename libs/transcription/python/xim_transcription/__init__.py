"""The transcription runtime for every engine: speech, windows, recognition, words and speakers.

An engine adds a model of voice activity and, if it has one, a voice encoder (`models.py`).
"""
