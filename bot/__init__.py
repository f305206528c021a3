"""Evenkeel: curated answers about ketamine treatment and panic attacks."""

__version__ = "0.1.0"
