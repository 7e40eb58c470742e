"""Which part of the validation faces may be looked at in training, and which is kept for the numbers reported."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from fervlm.contrastive.faces import Faces

TUNING_SHARE = 0.25


def tuning_part(faces: Faces) -> NDArray[np.bool_]:
    """bool [N], by a hash of the picture's name: a quarter for early stopping, thresholds and calibration."""
    cut = int(TUNING_SHARE * 2**32)
    return np.array([int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) < cut for name in faces.ids])
