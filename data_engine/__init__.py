"""The data set factory: evidence and pictures in, a verified training set out."""
