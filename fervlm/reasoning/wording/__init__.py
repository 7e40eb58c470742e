"""The words of the rule engine: lexicon and frames as data, and the small grammar that joins them."""
