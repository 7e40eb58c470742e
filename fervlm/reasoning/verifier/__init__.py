"""The parts of `fervlm.reasoning.verify`: text to sentences to elements to claims to verdicts to scores."""
