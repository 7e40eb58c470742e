"""Evidence in, a caption out, and the caption's text checked against the evidence."""
