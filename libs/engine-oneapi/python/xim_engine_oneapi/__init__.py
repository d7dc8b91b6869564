"""OpenVINO's handlers: `generate` on GenAI's continuous batching, `embed` on the plain runtime."""
