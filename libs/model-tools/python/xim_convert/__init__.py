"""Makes what an engine reads out of what a model was published as. Runs in an environment of its own."""
