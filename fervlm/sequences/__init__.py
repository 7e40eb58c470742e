"""A recording's rows as one clip: tracks, baseline, smoothing, events, the course over time in words, a summary."""
