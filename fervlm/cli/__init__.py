"""The command line, one file per verb. Heavy imports stand inside the functions, so that `fervlm --help` is quick."""
