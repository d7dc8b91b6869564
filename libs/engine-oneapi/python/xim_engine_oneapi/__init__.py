"""OpenVINO's handlers: `generate` as a model runner with paged attention, `embed` as an encoder, `speak` by VITS."""
