"""The model behind HTTP: `fervlm serve`, its page, its Python client, and vLLM watched over where there is one."""
