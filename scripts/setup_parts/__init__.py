"""The parts of scripts/bootstrap.py. Standard library only, and any Python from 3.8 on."""
