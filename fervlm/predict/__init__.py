"""From evidence or a picture to a `Prediction`: one file per backend."""
