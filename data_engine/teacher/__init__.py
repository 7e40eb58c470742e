"""Third stage, optional: a language model rewrites or extends the draft, and every answer is verified."""
