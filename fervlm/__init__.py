"""Facial action units in, an explained expression out, every sentence checked against the evidence."""
