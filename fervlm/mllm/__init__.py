"""The multimodal language model: any Hugging Face image-text-to-text model, tuned on the data engine's chat view."""
