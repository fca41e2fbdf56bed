"""The promises of backend/docs/promises.md, each proved by a real fault: `make soak` runs their long forms.

A proof is a function of a `Trial`, in one of this package's modules, that gives a `Figure`. The tests run each in its
quick form; `proofs.PROOFS` lists them.
"""
