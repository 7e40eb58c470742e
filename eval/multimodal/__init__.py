"""A multimodal checkpoint beside the engine, the small picture model and the majority class, on the same faces."""
