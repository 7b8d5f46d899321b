"""Models written down: configurations as JSON and YAML."""
