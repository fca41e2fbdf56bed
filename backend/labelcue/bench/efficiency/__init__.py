"""`labelcue bench efficiency`: what the same number of labels is worth, strategy by strategy."""
