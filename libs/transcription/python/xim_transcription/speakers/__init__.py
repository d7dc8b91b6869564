"""Speaker diarisation: the voices of short clips, grouped by similarity.

The method: clips of 1.6 seconds, one every 0.4 seconds of speech; a vector for each clip; average linkage on the cosine
distance; every 10 ms of speech gets the most frequent speaker of the clips around it.
"""
