"""What `make check` looks at beside style and types, without a network: code from data, dependencies, their bill."""
