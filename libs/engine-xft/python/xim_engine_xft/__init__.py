"""The worker of the engine xft: xFasterTransformer behind the generation runtime."""
