"""The transcription runtime that engines share: speech, windows, recognition, words and speakers.

An engine brings a model of voice activity and, where it has one, an encoder of voices (`models.py`).
"""
