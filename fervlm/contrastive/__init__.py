"""The global-local contrastive model on open_clip towers: data, losses, training, zero-shot use.

Training needs the extra `train`; what reads a finished model (`zero_shot`, `calibrate`, `unknown`) does without torch.
"""
