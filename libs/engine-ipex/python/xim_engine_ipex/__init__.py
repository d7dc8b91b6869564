"""The worker of the engine ipex."""
