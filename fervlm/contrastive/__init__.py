"""The global-local contrastive model on open_clip towers: data, losses, training, zero-shot use. Needs extra `train`."""
