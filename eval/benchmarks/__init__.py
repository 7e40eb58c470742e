"""One file per benchmark; each says what it measures, on which data, and against which target."""
