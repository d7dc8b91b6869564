"""Who speaks when: voices of short clips, grouped by how alike they are.

The recipe: clips of 1.6 seconds, one every 0.4 seconds of speech; a vector for each; average linkage on their cosine
distance; every 10 ms of speech has the voice of most clips around it.
"""
