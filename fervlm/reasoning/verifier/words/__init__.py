"""How people word facial movements: the verifier's lexicon as data. `parts.yaml` explains the notation."""
