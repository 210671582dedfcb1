"""The folder that ``spanledger run`` puts on PYTHONPATH; see ``sitecustomize.py`` in it."""
