"""Converts logits to tokens: parameters of a call, the sampler, log probabilities."""
